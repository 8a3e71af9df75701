"""The tail polls: one of thousands of deals with one modification time, and one that finds nothing."""

import time
from dataclasses import astuple, dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bench.figures import Figure, at_least, at_most, reported
from bench.processes import Sandbox
from core.database import Database
from crm.budget.limits import SEARCHES_PER_SECOND
from crm.budget.shared import SharedBudget
from crm.client import HubSpot
from crm.scanning import SEARCH_LIMIT
from sandbox import SANDBOX_TOKEN
from scheduler.context import JobContext
from scheduler.sync.sync_jobs import tail
from tests.scheduler.contexts import leading_context
from tests.statement_counter import StatementCounter

POLLS = 5
_LSN = text("SELECT pg_current_wal_insert_lsn() - '0/0'")
_RUNS = text(
    "SELECT coalesce(sum(pages), 0) AS pages, string_agg(error, ' ') FILTER (WHERE outcome <> 'DONE') AS failed "
    "FROM sync_runs"
)


@dataclass(frozen=True, slots=True)
class Poll:
    seconds: float
    cpu_seconds: float
    wal_bytes: float
    statements: float
    pages: float


class Tail:
    """Tail polls of a leading scheduler, in this process, one at a time."""

    def __init__(self, database: Database, context: JobContext, counter: StatementCounter) -> None:
        self._database = database
        self._context = context
        self._counter = counter

    async def poll(self) -> Poll:
        before, read = await self._lsn(), await self._pages()
        started, cpu = time.perf_counter(), time.process_time()
        with self._counter.counting() as counted:
            await tail(self._context)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
        wal_bytes = await self._lsn() - before
        return Poll(seconds, cpu_seconds, wal_bytes, len(counted.by_driver), await self._pages() - read)

    async def polls(self) -> Poll:
        """The minimum of several, as the machine is shared; the first poll, which finds changes, is not counted."""
        await self.poll()
        found = [await self.poll() for _ in range(POLLS)]
        return Poll(*map(min, zip(*map(astuple, found), strict=True)))

    async def _pages(self) -> int:
        """Of all syncs so far: a poll that finds nothing shares the row of the previous one."""
        row = (await self._database.run(_RUNS))[0]
        if row.failed:
            raise AssertionError(f"A sync has failed: {row.failed}")
        return int(row.pages)

    async def _lsn(self) -> int:
        return int((await self._database.run(_LSN))[0][0])


async def measure(database_url: str, hubspot: Sandbox, deals: int) -> list[Figure]:
    """On a database that was filled from that sandbox."""
    database = Database.connect(database_url, name="bench", pool_size=4)
    with pytest.MonkeyPatch.context() as patches:
        counter = StatementCounter(database, patches)
        async with HubSpot(hubspot.url, lambda: SecretStr(SANDBOX_TOKEN), SharedBudget(database)) as client:
            tailing = Tail(database, await leading_context(database, client), counter)
            figures = [*await _quiet(tailing, hubspot), *await _mass_change(tailing, hubspot, deals)]
    await database.close()
    return figures


async def _quiet(tailing: Tail, hubspot: Sandbox) -> list[Figure]:
    nothing = await tailing.polls()
    hubspot.post("/_sim/mutate", touch=SEARCH_LIMIT * 3 // 4, same_timestamp=True)
    unchanged = await tailing.polls()
    return [
        reported("poll that finds nothing: statements", nothing.statements),
        reported("poll that finds nothing: WAL", nothing.wal_bytes, "bytes"),
        reported("poll that finds nothing: CPU", nothing.cpu_seconds * 1000, "ms"),
        reported("poll of an unchanged page: statements", unchanged.statements),
        reported("poll of an unchanged page: WAL", unchanged.wal_bytes, "bytes"),
        reported("poll of an unchanged page: CPU", unchanged.cpu_seconds * 1000, "ms"),
    ]


async def _mass_change(tailing: Tail, hubspot: Sandbox, deals: int) -> list[Figure]:
    hubspot.post("/_sim/mutate", touch=deals, same_timestamp=True)
    touched = await tailing.poll()
    again = await tailing.poll()
    rate = touched.pages / touched.seconds
    return [
        at_least(
            f"{deals:,} deals of one time: pages a second / our share of searches", rate / SEARCHES_PER_SECOND, 0.9
        ),
        at_most("the same: CPU of the scheduler / time", touched.cpu_seconds / touched.seconds, 0.5),
        reported("the same: CPU of the scheduler, a page", touched.cpu_seconds / touched.pages * 1000, "ms"),
        reported("the same pages again: CPU, a page", again.cpu_seconds / again.pages * 1000, "ms"),
    ]
