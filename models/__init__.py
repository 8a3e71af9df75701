"""What is stored: one table a file, with the index that serves it."""

from models.base import Base, metadata
from models.controls import Control
from models.deal_snapshots import DealSnapshot
from models.deals import Deal
from models.enums import ACTIVE, RunReason, RunStatus, RunTrigger, StepStatus, SyncKind, SyncOutcome
from models.leases import Lease
from models.pipeline_runs import PipelineRun
from models.rate_budgets import RateBudget
from models.sessions import Session, SignInCode
from models.stage_stats import FEWEST_SAMPLES, PATIENT_PRIORITY, QUEUE_WAIT, StageStats
from models.step_attempts import StepAttempt
from models.steps import Step
from models.sync_rejects import SyncReject
from models.sync_runs import SyncRun
from models.sync_scans import SyncScan
from models.sync_state import SyncState

__all__ = [
    "ACTIVE",
    "FEWEST_SAMPLES",
    "PATIENT_PRIORITY",
    "QUEUE_WAIT",
    "Base",
    "Control",
    "Deal",
    "DealSnapshot",
    "Lease",
    "PipelineRun",
    "RateBudget",
    "RunReason",
    "RunStatus",
    "RunTrigger",
    "Session",
    "SignInCode",
    "StageStats",
    "Step",
    "StepAttempt",
    "StepStatus",
    "SyncKind",
    "SyncOutcome",
    "SyncReject",
    "SyncRun",
    "SyncScan",
    "SyncState",
    "metadata",
]
