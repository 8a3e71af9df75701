"""A deal as the sync has read it, and a page of them as the arrays that `unnest` takes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from models import RunReason, RunStatus
from pipeline.queue import Priority


@dataclass(frozen=True, slots=True)
class SyncedDeal:
    """`properties` and `unreadable` are JSON text; `content_hash` covers everything but the modification time.

    The last three fields are for a deal that is not stored yet: its NEW run is QUEUED with that priority, or SKIPPED
    for that reason.
    """

    hubspot_deal_id: str
    name: str | None
    amount: Decimal | None
    currency: str | None
    hubspot_pipeline: str | None
    hubspot_stage: str | None
    hubspot_stage_label: str | None
    owner_id: str | None
    owner_name: str | None
    close_date: datetime | None
    properties: str
    content_hash: bytes
    hubspot_created_at: datetime | None
    hubspot_modified_at: datetime
    archived_at: datetime | None
    unreadable: str = "{}"
    run_status: RunStatus = RunStatus.QUEUED
    run_reason: RunReason | None = None
    run_priority: int = Priority.NEW


FIELDS = tuple(field.name for field in fields(SyncedDeal))
# The columns of `deals` among them.
COLUMNS = tuple(name for name in FIELDS if not name.startswith("run_"))
# What the queue shows: only a change of one of these moves `updated_at`.
SHOWN = (
    "name",
    "amount",
    "currency",
    "hubspot_pipeline",
    "hubspot_stage",
    "hubspot_stage_label",
    "owner_name",
    "close_date",
    "archived_at",
)
_SQL_TYPES = {
    "amount": "numeric",
    "content_hash": "bytea",
    "close_date": "timestamptz",
    "hubspot_created_at": "timestamptz",
    "hubspot_modified_at": "timestamptz",
    "archived_at": "timestamptz",
    "run_priority": "integer",
}

# What is compared to find out whether HubSpot's deal differs from the stored one.
VERSION = ("hubspot_deal_id", "hubspot_modified_at", "content_hash")


def as_table(names: Sequence[str] = FIELDS) -> str:
    """The page as a table, one column for each field."""
    return "unnest(" + ", ".join(f"CAST(:{name} AS {_SQL_TYPES.get(name, 'text')}[])" for name in names) + ")"


def listed(prefix: str, names: Sequence[str] = COLUMNS) -> str:
    """`d.name, d.amount, ...`."""
    return ", ".join(f"{prefix}{name}" for name in names)


def page_arrays(deals: Sequence[SyncedDeal], names: Sequence[str] = FIELDS) -> dict[str, list[object]]:
    """One array for each field, of at least one deal."""
    # dataclasses.astuple copies every value deeply, which took two thirds of the time of a page.
    return dict(zip(names, map(list, zip(*map(attrgetter(*names), deals), strict=True)), strict=True))
