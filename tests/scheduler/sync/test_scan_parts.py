"""The cursors of a scan, by which a sync that was killed resumes."""

from datetime import UTC, datetime

from core.database import Database
from models import SyncKind
from scheduler.sync.scan_parts import ScanPart, clear_parts, load_parts, save_part

STARTED_AT = datetime(2026, 11, 1, tzinfo=UTC)


async def test_a_part_is_loaded_as_it_was_saved_last(database: Database) -> None:
    """In the order of the parts, and only those of its kind."""
    parts = [
        ScanPart(SyncKind.RECONCILE, 0, last_id=3, until_id=10, started_at=STARTED_AT, started_runs=2),
        ScanPart(SyncKind.RECONCILE, 1, last_id=9),
    ]
    async with database.write() as session:
        await save_part(session, ScanPart(SyncKind.RECONCILE, 0, until_id=10))
        for part in reversed(parts):
            await save_part(session, part)
        await save_part(session, ScanPart(SyncKind.TAIL, floor=STARTED_AT))
    assert await load_parts(database, SyncKind.RECONCILE) == parts
    assert await load_parts(database, SyncKind.BACKFILL) == []


async def test_clearing_deletes_the_parts_of_one_kind(database: Database) -> None:
    """Another kind of sync may be running."""
    async with database.write() as session:
        for kind in (SyncKind.TAIL, SyncKind.RECONCILE):
            await save_part(session, ScanPart(kind))
        await clear_parts(session, SyncKind.TAIL)
    assert await load_parts(database, SyncKind.TAIL) == []
    assert await load_parts(database, SyncKind.RECONCILE) == [ScanPart(SyncKind.RECONCILE)]


def test_the_span_counts_the_ids_that_are_left() -> None:
    """A part without an end has none to share."""
    assert ScanPart(SyncKind.BACKFILL, last_id=3, until_id=10).span == 6
    assert ScanPart(SyncKind.BACKFILL, last_id=3).span == 0
