"""The stored words, as GraphQL enums: the same names."""

import strawberry

from models import RunReason, RunStatus, RunTrigger, StepStatus

strawberry.enum(RunStatus, description="How a run, and the deal it belongs to, stands.")
strawberry.enum(RunReason, description="Why a run's status is what it is, where the status alone does not say.")
strawberry.enum(RunTrigger, description="What a run was made for.")
strawberry.enum(StepStatus, description="How one stage of a run stands; PENDING has not begun.")

__all__ = ["RunReason", "RunStatus", "RunTrigger", "StepStatus"]
