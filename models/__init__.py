"""The database schema, one table a file with its indexes, and the conditions that reads and writes share."""

from models.audit_events import AuditEvent
from models.base import Base, metadata
from models.bulk_operations import BulkItem, BulkOperation
from models.controls import Control
from models.deal_snapshots import DealSnapshot
from models.deals import Deal
from models.enums import (
    ACTIVE,
    AuditOutcome,
    BulkItemStatus,
    BulkKind,
    BulkStatus,
    RunReason,
    RunStatus,
    RunTrigger,
    StepStatus,
    SyncKind,
    SyncOutcome,
)
from models.hubspot_answers import HubSpotAnswer
from models.leases import LeadershipLease
from models.pipeline_runs import PipelineRun
from models.process_failures import ProcessFailure
from models.rate_budgets import RateBudget
from models.repairs import Repair
from models.run_crashes import RunCrash
from models.sessions import Session, SignInCode
from models.stage_stats import FEWEST_SAMPLES, PATIENT_PRIORITY, QUEUE_WAIT, StageStats
from models.step_attempts import StepAttempt
from models.steps import Step
from models.sync_rejects import SyncReject
from models.sync_runs import SyncRun
from models.sync_scans import SyncScan
from models.sync_state import SyncState
from models.workers import Worker

__all__ = [
    "ACTIVE",
    "FEWEST_SAMPLES",
    "PATIENT_PRIORITY",
    "QUEUE_WAIT",
    "AuditEvent",
    "AuditOutcome",
    "Base",
    "BulkItem",
    "BulkItemStatus",
    "BulkKind",
    "BulkOperation",
    "BulkStatus",
    "Control",
    "Deal",
    "DealSnapshot",
    "HubSpotAnswer",
    "LeadershipLease",
    "PipelineRun",
    "ProcessFailure",
    "RateBudget",
    "Repair",
    "RunCrash",
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
    "Worker",
    "metadata",
]
