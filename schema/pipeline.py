"""The stages of a new run."""

import strawberry


@strawberry.type(description="One stage of the pipeline, in the order of running.")
class PipelineStage:
    key: str
    label: str
