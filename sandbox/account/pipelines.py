"""The two deal pipelines: HubSpot's default pipeline, and one with numeric ids like every pipeline created later."""

from dataclasses import dataclass
from typing import Any

# Before the creation of every deal.
_CREATED_AT = "2021-03-01T09:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str
    probability: float

    @property
    def is_closed(self) -> bool:
        return self.probability in (0.0, 1.0)

    @property
    def is_won(self) -> bool:
        return self.probability == 1.0

    def body(self, order: int) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "metadata": {"isClosed": str(self.is_closed).lower(), "probability": str(self.probability)},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": _CREATED_AT,
            "updatedAt": _CREATED_AT,
            "archived": False,
        }


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    stages: tuple[Stage, ...]

    @property
    def open_stages(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages if not stage.is_closed)

    def closed_stage(self, *, won: bool) -> Stage:
        return next(stage for stage in self.stages if stage.is_closed and stage.is_won == won)

    def body(self, order: int) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "stages": [stage.body(position) for position, stage in enumerate(self.stages)],
            "createdAt": _CREATED_AT,
            "updatedAt": _CREATED_AT,
            "archived": False,
        }


SALES = Pipeline(
    "default",
    "Sales Pipeline",
    (
        Stage("appointmentscheduled", "Appointment Scheduled", 0.2),
        Stage("qualifiedtobuy", "Qualified To Buy", 0.4),
        Stage("presentationscheduled", "Presentation Scheduled", 0.6),
        Stage("decisionmakerboughtin", "Decision Maker Bought-In", 0.8),
        Stage("contractsent", "Contract Sent", 0.9),
        Stage("closedwon", "Closed Won", 1.0),
        Stage("closedlost", "Closed Lost", 0.0),
    ),
)
RENEWALS = Pipeline(
    "748115230",
    "Renewals",
    (
        Stage("1093382011", "Renewal due", 0.5),
        Stage("1093382012", "In discussion", 0.7),
        Stage("1093382013", "Quote sent", 0.9),
        Stage("1093382014", "Renewed", 1.0),
        Stage("1093382015", "Churned", 0.0),
    ),
)
PIPELINES = (SALES, RENEWALS)
STAGES = {stage.id: stage for pipeline in PIPELINES for stage in pipeline.stages}


def pipeline_of(identifier: str | None) -> Pipeline:
    """The pipeline with that id; the default pipeline for an unknown or missing id."""
    return next((pipeline for pipeline in PIPELINES if pipeline.id == identifier), SALES)
