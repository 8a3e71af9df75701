"""Workers, people, the sync and the rescue in any order and at once; and what must be true after each of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from procrastinate import App
from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.errors import NotPaused
from pipeline.operations.held import decide_held
from pipeline.operations.pause import resume
from pipeline.runs.controls import is_paused
from pipeline.runs.store import RunStore
from tests.crash.account_news import CHANGES, STAGE_NAMES, AccountNews
from tests.crash.contradictions import CONTRADICTIONS, NUMBERS, SETTLED, STUCK, UNDELIVERED, UNFINISHED
from tests.crash.crew import SHORT, WORKERS, Crew
from tests.crash.deals import repeated
from tests.crash.hand import ENDINGS, STAGES
from tests.crash.people import OPERATIONS, People
from tests.factories import rows, run_store
from tests.pipeline.staging import runner

# What happens, to which deal or by which worker, with which of the runs that a worker has, and in which of six ways.
Event = tuple[str, int, int, int]
CREW = ("fetch", "claim", "take over", "notice", "vanish", "restart", "late", "beat", "finish", *ENDINGS)
RESCUES = ("reap", "sweep", "reconcile", "raise overdue", "rerun", "bulk work")
TIMES = ("expire", "due", "lose jobs", "repeat", "two deaths")
ACTIONS = (*CREW, *RESCUES, *TIMES, *OPERATIONS, "arrive", *CHANGES)
# What happens often to a deal whose run a worker is at.
OF_WORK = ("cancel", "undo cancel", "expire", "reap")
# What is wanted so much more often, so that runs come further, and to their end.
_MORE = {"claim": 18, "advance": 10, "finish": 6, "notice": 8, "late": 6, "due": 5, "take over": 4, "reap": 5,
         "resume": 6, "cancel": 9, "undo cancel": 6, "retry": 3, "retry at a stage": 5, "process now": 2, "bulk": 5,
         "bulk work": 8, "cancel bulk": 4, "restart": 2, "expire": 2, "fail": 5, "give back": 3, "refuse": 3,
         "sweep": 3, "rerun": 4, "raise overdue": 8, "two deaths": 4, "drop": 2, "take back": 3, "skip": 1,
         "block": 3, "merge": 2, "approve": 2}  # fmt: skip
LIKELY = (*ACTIONS, *(name for name, times in _MORE.items() for _ in range(times)))
MOST_ROUNDS = 100

_EMPTY = ("deals", "procrastinate_jobs", "procrastinate_workers", "workers", "controls", "bulk_operations", "repairs")
# A run that was only just queued is none of the sweep's business.
_AGED = text("UPDATE pipeline_runs SET created_at = now() - interval '1 hour' WHERE ended_at IS NULL")
_DUE = """
WITH jobs AS (
    UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now()
)
UPDATE pipeline_runs SET next_attempt_at = now() WHERE next_attempt_at > now() RETURNING id
"""
# The runs that wait are suspected of having killed two workers: no two of them may run at the same time.
_TWO_DEATHS = """
WITH run AS (
    UPDATE pipeline_runs SET crashes = greatest(crashes, 2)
    WHERE status IN ('QUEUED', 'RETRYING') AND reason IS DISTINCT FROM 'HELD' RETURNING id
)
INSERT INTO run_crashes (run_id, epoch) SELECT run.id, -n FROM run, generate_series(1, 2) AS n
ON CONFLICT DO NOTHING RETURNING run_id
"""
_LOST = "DELETE FROM procrastinate_jobs RETURNING id"
_NEXT = """
DELETE FROM procrastinate_jobs WHERE id = (
    SELECT id FROM procrastinate_jobs ORDER BY priority DESC, id LIMIT 1)
RETURNING (args ->> 'deal_id')::bigint AS deal
"""


class Interleaving:
    """One program, on a database of its own that earlier ones have used. `counts` is what had an effect."""

    def __init__(self, database: Database, app: App, counts: Counter[str]) -> None:
        self._database = database
        self._app = app
        self._counts = counts
        self._context = OperationContext(database=database, actor="cli:ada", stages=STAGE_NAMES)
        self._crew = Crew(database, counts)
        self._people = People(self._context, counts)
        self._news = AccountNews(database, counts)
        self._numbers: dict[str, int] = {}
        self._settled: dict[str, str] = {}
        # While the queue is paused, and after somebody has deleted jobs, runs may wait without one.
        self._may_lack_jobs = False

    async def begin(self) -> None:
        """A QUEUED deal and a held one, nothing else."""
        for table in _EMPTY:
            await self._database.run(text(f"DELETE FROM {table}"))
        await self._news.arrive(held=False)
        await self._news.arrive(held=True)
        await self.check()

    async def play(self, moment: Sequence[Event]) -> None:
        """All of it at once; each operation leaves one row in the audit."""
        asked, before = sum(event[0] in OPERATIONS for event in moment), self._numbers["audit"]
        alone = len(moment) == 1
        outcomes: list[Any] = await asyncio.gather(
            *(self._do(*event, alone=alone) for event in moment), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._counts["at once"] += not alone
        await self.check()
        assert self._numbers["audit"] == before + asked

    async def _do(self, action: str, number: int, which: int, how: int, *, alone: bool) -> None:
        deals, worker = self._news.deals, WORKERS[number % len(WORKERS)]
        deal = deals[number % len(deals)]
        if action in OF_WORK and how % 2:
            deal = self._crew.deal_at_work(which) or deal
        if action in CREW:
            await self._by_worker(action, worker, deal, which, how)
        elif action in OPERATIONS:
            done = await self._people.ask(action, deals, deal, how, alone=alone)
            self._may_lack_jobs |= done and action == "pause"
        elif action in CHANGES:
            await self._news.happen(action, deal)
        elif action == "arrive":
            await self._news.arrive(held=how > 2, backfilled=how == 0)
        else:
            await self._otherwise(action, deal, how)

    def _by_worker(self, action: str, worker: str, deal: int, which: int, how: int) -> Awaitable[object]:
        crew = self._crew
        actions: Mapping[str, Callable[[], Awaitable[object]]] = {
            "fetch": lambda: crew.fetch(worker),
            "claim": lambda: crew.claim(worker, how),
            "take over": lambda: crew.take_over(worker, deal, how),
            "notice": lambda: crew.notice(which, how),
            "vanish": lambda: crew.vanish(worker),
            "restart": lambda: crew.restart(worker),
            "beat": lambda: crew.beat(worker),
            "finish": lambda: crew.finish(which),
            "late": lambda: crew.come_back(worker, which, how),
        }
        return actions.get(action, lambda: crew.act(action, which, how))()

    async def _otherwise(self, action: str, deal: int, how: int) -> None:
        """By the leading scheduler, by the clock, or by somebody with a console."""
        actions: Mapping[str, Callable[[], Awaitable[int]]] = {
            "expire": lambda: self._crew.expire(deal),
            "due": lambda: self._changed(_DUE),
            "lose jobs": self._lose_jobs,
            "repeat": lambda: self._repeat(deal),
            "reap": lambda: self._reap(deal, how),
            "two deaths": lambda: self._changed(_TWO_DEATHS),
            "sweep": lambda: self._sweep(how),
            "reconcile": self._reconcile,
            "raise overdue": self._raise_overdue,
            "rerun": self._news.rerun,
            "bulk work": lambda: self._people.process_bulk_items(how),
        }
        self._counts[action] += await actions[action]()

    async def _changed(self, statement: str) -> int:
        return len(await rows(self._database, statement))

    async def _lose_jobs(self) -> int:
        self._may_lack_jobs = True
        return await self._changed(_LOST)

    async def _repeat(self, deal: int) -> int:
        await repeated(self._database, [deal], 1)
        return 1

    async def _reconcile(self) -> int:
        """Nothing is ever to be put right."""
        found = await run_store(self._database).repair()
        assert found == {}, f"put right: {found}"
        return 1

    async def _reap(self, deal: int, how: int) -> int:
        """The reaper comes by, now and then just when the lease of this deal's run is over."""
        if how > 2:
            await self._crew.expire(deal)
        return await run_store(self._database, SHORT).reap()

    async def _raise_overdue(self) -> int:
        await self._database.run(_AGED)
        return await run_store(self._database).raise_overdue()

    async def _sweep(self, how: int = 0) -> int:
        """As the scheduler does: while the queue is paused a run without a job is as it should be."""
        if how > 2:
            await self._lose_jobs()
        if await is_paused(self._database):
            return 0
        await self._database.run(_AGED)
        return await run_store(self._database).sweep()

    async def check(self) -> None:
        await self._none(CONTRADICTIONS)
        numbers = {row["what"]: row["n"] for row in await rows(self._database, NUMBERS)}
        shrunk = {name: n for name, n in self._numbers.items() if numbers.get(name, 0) < n}
        assert shrunk == {}, f"grew smaller: {shrunk}"
        settled = {row["what"]: row["value"] for row in await rows(self._database, SETTLED)}
        changed = [name for name, value in self._settled.items() if settled.get(name, value) != value]
        assert changed == [], f"changed: {changed}"
        self._numbers, self._settled = numbers, settled
        if not self._may_lack_jobs:
            await self._none(UNDELIVERED)

    async def _none(self, query: str) -> None:
        found = await rows(self._database, query)
        assert found == [], f"{found}"

    async def finish(self) -> None:
        """Every worker is dead and the rescue comes by; then a healthy one brings all to its end."""
        for worker in WORKERS:
            await self._crew.vanish(worker)
        for deal in self._news.deals:
            await self._crew.expire(deal)
        with suppress(NotPaused):
            await resume(self._context)
        await run_store(self._database, SHORT).reap()
        await self._sweep()
        await self._reconcile()
        self._may_lack_jobs = False
        await self.check()
        await self._none(STUCK)
        await self._work_to_the_end()

    async def _work_to_the_end(self) -> None:
        await self._work()
        if await RunStore.count_held(self._database):
            await decide_held(self._context, "approve")
            await self._work()
        await self._none(UNFINISHED)

    async def _work(self) -> None:
        """A healthy scheduler and a healthy worker, until nothing is left to do."""
        process = runner(self._database, *STAGES).process
        for _ in range(MOST_ROUNDS):
            await self._people.process_bulk_items(0)
            await self._news.rerun()
            await rows(self._database, _DUE)
            taken: list[dict[str, Any]] = await rows(self._database, _NEXT)
            if not taken:
                break
            await process(taken[0]["deal"])
            await self.check()
