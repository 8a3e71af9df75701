"""The stored words, as GraphQL enums: the same names."""

import strawberry

from models import RunReason, RunStatus, RunTrigger, StepStatus
from resolvers.deal_state import StateWord

strawberry.enum(RunStatus, description="How a run, and the deal it belongs to, stands.")
strawberry.enum(RunReason, description="Why a run's status is what it is, where the status alone does not say.")
strawberry.enum(RunTrigger, description="What a run was made for.")
strawberry.enum(StepStatus, description="How one stage of a run stands; PENDING has not begun.")
strawberry.enum(
    StateWord,
    description="How a deal stands: LATE waits longer than 95 of 100 did in the last 24 hours; STUCK runs three times "
    "longer than 99 of 100, or its worker gives no sign of life.",
)

__all__ = ["RunReason", "RunStatus", "RunTrigger", "StateWord", "StepStatus"]
