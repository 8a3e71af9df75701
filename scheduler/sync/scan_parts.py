"""The cursors of scans that are under way; each is saved in the transaction that stores the page it stands behind."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import SyncKind


@dataclass(slots=True)
class Scan:
    """One part of a scan: see models/sync_scans.py. Moved by whoever reads it, saved when something was stored."""

    kind: SyncKind
    part: int = 0
    floor: datetime | None = None
    started_at: datetime | None = None
    last_id: int = 0
    until_id: int | None = None
    started_runs: int = 0
    done: bool = False

    @property
    def span(self) -> int:
        """How many ids lie before its end; 0 for a part that is open."""
        return 0 if self.until_id is None else self.until_id - self.last_id - 1


_LOAD = text("""
SELECT kind, part, floor, started_at, last_id, until_id, started_runs, done
FROM sync_scans WHERE kind = CAST(:kind AS sync_kind) ORDER BY part
""")

_SAVE = text("""
INSERT INTO sync_scans AS s (kind, part, floor, started_at, last_id, until_id, started_runs, done)
VALUES (CAST(:kind AS sync_kind), :part, :floor, :started_at, :last_id, :until_id, :started_runs, :done)
ON CONFLICT (kind, part) DO UPDATE SET floor = excluded.floor, started_at = excluded.started_at,
    last_id = excluded.last_id, until_id = excluded.until_id, started_runs = excluded.started_runs,
    done = excluded.done
""")

_CLEAR = text("DELETE FROM sync_scans WHERE kind = CAST(:kind AS sync_kind)")


async def load_scans(database: Database, kind: SyncKind) -> list[Scan]:
    """The parts of the scan of this kind that is under way; none when there is no such scan."""
    rows = await database.run(_LOAD, {"kind": kind})
    return [Scan(SyncKind(row.kind), *row[1:]) for row in rows]


async def save_scan(session: AsyncSession, scan: Scan) -> None:
    parameters = {
        "kind": scan.kind,
        "part": scan.part,
        "floor": scan.floor,
        "started_at": scan.started_at,
        "last_id": scan.last_id,
        "until_id": scan.until_id,
        "started_runs": scan.started_runs,
        "done": scan.done,
    }
    await session.execute(_SAVE, parameters)


async def clear_scans(session: AsyncSession, kind: SyncKind) -> None:
    """The scan is over, or shall begin anew."""
    await session.execute(_CLEAR, {"kind": kind})
