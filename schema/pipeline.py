"""The stages of a new run."""

import strawberry


@strawberry.type(description="A stage of the pipeline. Stages are listed in the order in which they run.")
class PipelineStage:
    key: str
    label: str
