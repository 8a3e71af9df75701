"""What is stored: one table a file, with the index that serves it."""

from models.base import Base, metadata
from models.deals import Deal
from models.enums import ACTIVE, RunReason, RunStatus, RunTrigger, StepStatus, SyncOutcome
from models.pipeline_runs import PipelineRun
from models.rate_budgets import RateBudget
from models.sessions import Session, SignInCode
from models.step_attempts import StepAttempt
from models.steps import Step
from models.sync_rejects import SyncReject
from models.sync_runs import SyncRun
from models.sync_state import SyncState

__all__ = [
    "ACTIVE",
    "Base",
    "Deal",
    "PipelineRun",
    "RateBudget",
    "RunReason",
    "RunStatus",
    "RunTrigger",
    "Session",
    "SignInCode",
    "Step",
    "StepAttempt",
    "StepStatus",
    "SyncOutcome",
    "SyncReject",
    "SyncRun",
    "SyncState",
    "metadata",
]
