"""Rows of syncs that have run."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from core.database import Database
from models import SyncKind, SyncOutcome, metadata
from tests.factories import MOMENT


async def insert_sync(
    database: Database, minute: int, outcome: SyncOutcome, error: str | None = None, kind: SyncKind = SyncKind.TAIL
) -> None:
    """A sync that began at `minute` and, unless it is RUNNING, took ten seconds."""
    began: datetime = MOMENT + timedelta(minutes=minute)
    ended = None if outcome is SyncOutcome.RUNNING else began + timedelta(seconds=10)
    row: dict[str, Any] = {
        "kind": kind,
        "fence": 1,
        "outcome": outcome,
        "started_at": began,
        "ended_at": ended,
        "error": error,
    }
    await database.run(insert(metadata.tables["sync_runs"]), row)
