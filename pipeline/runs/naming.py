"""A worker's name: one living process has it at a time, and the next one may take it when that one has ended."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from pipeline.runs.base import RunStatements


class NameHolder(NamedTuple):
    """The incarnation that has a name, and since when it has sent no heartbeat."""

    incarnation: str
    process: str | None
    stopped: bool
    heartbeat_at: datetime
    silent_seconds: float


_HOLDER = text("""
SELECT incarnation, process, stopped_at IS NOT NULL AS stopped, heartbeat_at,
       extract(epoch FROM clock_timestamp() - heartbeat_at)::float AS silent_seconds
FROM workers WHERE name = :name
""")

# An answer may be lost: the second attempt finds its own incarnation.
_TAKE = text("""
INSERT INTO workers AS w (name, incarnation, process) VALUES (:name, :incarnation, :process)
ON CONFLICT (name) DO UPDATE
SET incarnation = excluded.incarnation, process = excluded.process, queue_workers = '{}', stopped_at = NULL,
    started_at = clock_timestamp(), heartbeat_at = clock_timestamp()
WHERE w.incarnation IN (CAST(:replaced AS text), excluded.incarnation)
RETURNING name
""")


class Naming(RunStatements):
    async def holder_of(self, name: str) -> NameHolder | None:
        found = await self._database.run(_HOLDER, {"name": name})
        return NameHolder._make(found[0]) if found else None

    async def take_name(self, name: str, *, incarnation: str, process: str | None, replaced: str | None) -> bool:
        """Give the name to this incarnation, unless another one than `replaced` has it. Release its runs before."""
        values = {"name": name, "incarnation": incarnation, "process": process, "replaced": replaced}
        return bool(await self._database.run(_TAKE, values))
