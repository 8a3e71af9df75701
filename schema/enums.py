"""The stored enums as GraphQL enums, with the same names."""

import strawberry

from models import RunReason, RunStatus, RunTrigger, StepStatus
from resolvers.deal_state import StateWord

strawberry.enum(RunStatus, description="The status of a run, and of the deal it belongs to.")
strawberry.enum(RunReason, description="The reason for a run's status, where the status alone does not explain it.")
strawberry.enum(RunTrigger, description="What started a run.")
strawberry.enum(StepStatus, description="The status of one stage of a run; PENDING has not begun.")
strawberry.enum(
    StateWord,
    description="The state of a deal. LATE: it has waited longer than 95 of 100 deals did in the last 24 hours. STUCK: "
    "its stage has run three times longer than 99 of 100, or its worker has stopped sending heartbeats.",
)

__all__ = ["RunReason", "RunStatus", "RunTrigger", "StateWord", "StepStatus"]
