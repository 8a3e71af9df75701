"""Statuses, kinds and outcomes: the same names in PostgreSQL, in Python and in GraphQL."""

from enum import StrEnum

from sqlalchemy import Enum


class RunStatus(StrEnum):
    """The status of a run, and of the deal that it belongs to."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)


class StepStatus(StrEnum):
    """The status of a step; a stage without a step is PENDING."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class RunTrigger(StrEnum):
    """Why a run was created."""

    NEW = "NEW"
    RETRY = "RETRY"
    MANUAL = "MANUAL"
    CHANGED = "CHANGED"
    RECHECK = "RECHECK"


class RunReason(StrEnum):
    """Why a run has its status, where the status alone does not show it."""

    HELD = "HELD"
    BLOCKED_BY_UNKNOWN_STAGE = "BLOCKED_BY_UNKNOWN_STAGE"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"
    CRASHED = "CRASHED"
    ARCHIVED = "ARCHIVED"
    MERGED = "MERGED"
    NOT_FOUND = "NOT_FOUND"
    # Known since the first contact with the account, and left out by BACKFILL_PROCESS.
    NOT_SELECTED = "NOT_SELECTED"


class SyncKind(StrEnum):
    """What a sync reads; see docs/sync.md."""

    BACKFILL = "BACKFILL"
    TAIL = "TAIL"
    SETTLE = "SETTLE"
    ARCHIVE = "ARCHIVE"
    RECONCILE = "RECONCILE"


class SyncOutcome(StrEnum):
    """How a sync ended."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


class AuditOutcome(StrEnum):
    """Whether the operation was done."""

    DONE = "DONE"
    REFUSED = "REFUSED"


class BulkKind(StrEnum):
    """The operation on each deal of a bulk operation."""

    RETRY = "RETRY"
    CANCEL = "CANCEL"
    PROCESS_NOW = "PROCESS_NOW"


class BulkStatus(StrEnum):
    """The status of a bulk operation."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class BulkItemStatus(StrEnum):
    """The status of one deal of a bulk operation."""

    WAITING = "WAITING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


def pg_enum(enum: type[StrEnum], name: str) -> Enum:
    """The PostgreSQL enum type of this name."""
    return Enum(enum, name=name, values_callable=lambda members: [member.value for member in members])


RUN_STATUS = pg_enum(RunStatus, "run_status")
STEP_STATUS = pg_enum(StepStatus, "step_status")
RUN_TRIGGER = pg_enum(RunTrigger, "run_trigger")
RUN_REASON = pg_enum(RunReason, "run_reason")
SYNC_KIND = pg_enum(SyncKind, "sync_kind")
SYNC_OUTCOME = pg_enum(SyncOutcome, "sync_outcome")
AUDIT_OUTCOME = pg_enum(AuditOutcome, "audit_outcome")
BULK_KIND = pg_enum(BulkKind, "bulk_kind")
BULK_STATUS = pg_enum(BulkStatus, "bulk_status")
BULK_ITEM_STATUS = pg_enum(BulkItemStatus, "bulk_item_status")
