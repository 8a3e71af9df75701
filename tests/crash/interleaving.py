"""Workers, people, the sync and the rescue, in any order and concurrently; and the checks after each event."""

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
from tests.crash.hubspot_changes import CHANGES, STAGE_NAMES, HubSpotChanges
from tests.crash.invariants import CONTRADICTIONS, FIXED_VALUES, GROWING_NUMBERS, STUCK, UNFINISHED, WAITING_WITHOUT_JOB
from tests.crash.job_in_progress import RUN_ACTIONS, STAGES
from tests.crash.operators import OPERATIONS, Operators
from tests.crash.queued_deals import add_duplicate_jobs
from tests.crash.simulated_workers import SHORT_LEASE_SECONDS, WORKERS, SimulatedWorkers
from tests.factories import rows, run_store
from tests.pipeline.staging import runner

# An action; the number of its deal or worker; which of the runs that workers hold; and one of six ways to do it.
Event = tuple[str, int, int, int]
WORKER_ACTIONS = ("fetch", "claim", "take over", "notice", "die", "restart", "late write", "heartbeat", "finish",
                  *RUN_ACTIONS)  # fmt: skip
SCHEDULER_ACTIONS = ("reap", "sweep", "repair", "raise overdue", "rerun", "bulk work", "probe access",
                     "access granted")  # fmt: skip
DISTURBANCES = ("expire", "due", "lose jobs", "duplicate job", "two crashes")
ACTIONS = (*WORKER_ACTIONS, *SCHEDULER_ACTIONS, *DISTURBANCES, *OPERATIONS, "new deal", *CHANGES)
# Actions that often apply to a deal whose run a worker holds.
AIMED_AT_RUNNING = ("cancel", "undo cancel", "expire", "reap")
# How many times more often than the others, so that runs get further, and to their end.
_MORE = {"claim": 18, "advance": 10, "finish": 6, "notice": 8, "late write": 6, "due": 5, "take over": 4, "reap": 5,
         "resume": 6, "cancel": 9, "undo cancel": 6, "retry": 3, "retry at a stage": 5, "process now": 2, "bulk": 5,
         "bulk work": 8, "cancel bulk": 4, "restart": 2, "expire": 2, "fail": 5, "drain": 3, "not stored": 3,
         "sweep": 3, "rerun": 4, "raise overdue": 8, "two crashes": 4, "drop": 2, "restore": 3, "skip": 1,
         "block": 3, "merge": 2, "approve": 2, "refused": 8, "probe access": 4, "access granted": 6}  # fmt: skip
LIKELY = (*ACTIONS, *(name for name, times in _MORE.items() for _ in range(times)))
MAX_ROUNDS = 100

_EMPTY = ("deals", "procrastinate_jobs", "procrastinate_workers", "workers", "controls", "bulk_operations", "repairs")
# The sweep ignores a run that was only just queued.
_AGED = text("UPDATE pipeline_runs SET created_at = now() - interval '1 hour' WHERE ended_at IS NULL")
_DUE = """
WITH jobs AS (
    UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now()
)
UPDATE pipeline_runs SET next_attempt_at = now() WHERE next_attempt_at > now() RETURNING id
"""
# Waiting runs become suspected of having killed two workers: no two of them may run at the same time.
_TWO_CRASHES = """
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
    """One program, on a database that earlier programs have used. `counts` counts what had an effect."""

    def __init__(self, database: Database, app: App, counts: Counter[str]) -> None:
        self._database = database
        self._app = app
        self._counts = counts
        self._context = OperationContext(database=database, actor="cli:ada", stages=STAGE_NAMES)
        self._workers = SimulatedWorkers(database, counts)
        self._operators = Operators(self._context, counts)
        self._changes = HubSpotChanges(database, counts)
        self._numbers: dict[str, int] = {}
        self._fixed_values: dict[str, str] = {}
        # While the queue is paused, and after jobs were deleted, runs may wait without one.
        self._may_lack_jobs = False

    async def begin(self) -> None:
        """Leave a QUEUED deal and a held one, nothing else."""
        for table in _EMPTY:
            await self._database.run(text(f"DELETE FROM {table}"))
        await self._changes.create_deal(held=False)
        await self._changes.create_deal(held=True)
        await self.check()

    async def play(self, events: Sequence[Event]) -> None:
        """All events concurrently; each operation leaves one row in the audit."""
        operations, before = sum(event[0] in OPERATIONS for event in events), self._numbers["audit"]
        alone = len(events) == 1
        outcomes: list[Any] = await asyncio.gather(
            *(self._do(*event, alone=alone) for event in events), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._counts["concurrent"] += not alone
        await self.check()
        assert self._numbers["audit"] == before + operations

    async def _do(self, action: str, number: int, which: int, how: int, *, alone: bool) -> None:
        deals, worker = self._changes.deals, WORKERS[number % len(WORKERS)]
        deal = deals[number % len(deals)]
        if action in AIMED_AT_RUNNING and how % 2:
            deal = self._workers.deal_in_progress(which) or deal
        if action in WORKER_ACTIONS:
            await self._act_as_worker(action, worker, deal, which, how)
        elif action in OPERATIONS:
            done = await self._operators.request(action, deals, deal, how, alone=alone)
            self._may_lack_jobs |= done and action == "pause"
        elif action in CHANGES:
            await self._changes.apply(action, deal)
        elif action == "new deal":
            await self._changes.create_deal(held=how > 2, backfilled=how == 0)
        else:
            await self._act_otherwise(action, deal, how)

    def _act_as_worker(self, action: str, worker: str, deal: int, which: int, how: int) -> Awaitable[object]:
        workers = self._workers
        actions: Mapping[str, Callable[[], Awaitable[object]]] = {
            "fetch": lambda: workers.fetch(worker),
            "claim": lambda: workers.claim(worker, how),
            "take over": lambda: workers.take_over(worker, deal, how),
            "notice": lambda: workers.notice(which, how),
            "die": lambda: workers.die(worker),
            "restart": lambda: workers.restart(worker),
            "heartbeat": lambda: workers.record_heartbeat(worker),
            "finish": lambda: workers.finish(which),
            "late write": lambda: workers.write_late(worker, which, how),
        }
        return actions.get(action, lambda: workers.act(action, which, how))()

    async def _act_otherwise(self, action: str, deal: int, how: int) -> None:
        """An action of the leading scheduler, or a disturbance from outside."""
        actions: Mapping[str, Callable[[], Awaitable[int]]] = {
            "expire": lambda: self._workers.expire(deal),
            "due": lambda: self._execute(_DUE),
            "lose jobs": self._lose_jobs,
            "duplicate job": lambda: self._duplicate_job(deal),
            "reap": lambda: self._reap(deal, how),
            "two crashes": lambda: self._execute(_TWO_CRASHES),
            "sweep": lambda: self._sweep(how),
            "repair": self._repair,
            "raise overdue": self._raise_overdue,
            "rerun": self._changes.rerun,
            "probe access": run_store(self._database).probe_access,
            "access granted": lambda: run_store(self._database).access_granted(f"the scope crm.objects.{how % 2}.read"),
            "bulk work": lambda: self._operators.process_bulk_items(how),
        }
        self._counts[action] += await actions[action]()

    async def _execute(self, statement: str) -> int:
        return len(await rows(self._database, statement))

    async def _lose_jobs(self) -> int:
        self._may_lack_jobs = True
        return await self._execute(_LOST)

    async def _duplicate_job(self, deal: int) -> int:
        await add_duplicate_jobs(self._database, [deal], 1)
        return 1

    async def _repair(self) -> int:
        """There is never anything to repair."""
        found = await run_store(self._database).repair()
        assert found == {}, f"repaired: {found}"
        return 1

    async def _reap(self, deal: int, how: int) -> int:
        """The reaper runs, now and then just when the lease of this deal's run has expired."""
        if how > 2:
            await self._workers.expire(deal)
        return await run_store(self._database, SHORT_LEASE_SECONDS).reap()

    async def _raise_overdue(self) -> int:
        await self._database.run(_AGED)
        return await run_store(self._database).raise_overdue()

    async def _sweep(self, how: int = 0) -> int:
        """As the scheduler does: while the queue is paused, runs need no job."""
        if how > 2:
            await self._lose_jobs()
        if await is_paused(self._database):
            return 0
        await self._database.run(_AGED)
        return await run_store(self._database).sweep()

    async def check(self) -> None:
        await self._assert_none(CONTRADICTIONS)
        numbers = {row["what"]: row["n"] for row in await rows(self._database, GROWING_NUMBERS)}
        shrunk = {name: n for name, n in self._numbers.items() if numbers.get(name, 0) < n}
        assert shrunk == {}, f"decreased: {shrunk}"
        fixed = {row["what"]: row["value"] for row in await rows(self._database, FIXED_VALUES)}
        changed = [name for name, value in self._fixed_values.items() if fixed.get(name, value) != value]
        assert changed == [], f"changed: {changed}"
        self._numbers, self._fixed_values = numbers, fixed
        if not self._may_lack_jobs:
            await self._assert_none(WAITING_WITHOUT_JOB)

    async def _assert_none(self, query: str) -> None:
        found = await rows(self._database, query)
        assert found == [], f"{found}"

    async def finish(self) -> None:
        """Every worker dies and the rescue runs; then a healthy worker processes everything that is left."""
        for worker in WORKERS:
            await self._workers.die(worker)
        for deal in self._changes.deals:
            await self._workers.expire(deal)
        with suppress(NotPaused):
            await resume(self._context)
        await run_store(self._database, SHORT_LEASE_SECONDS).reap()
        await self._sweep()
        await self._repair()
        self._may_lack_jobs = False
        await self.check()
        await self._assert_none(STUCK)
        await self._process_all()

    async def _process_all(self) -> None:
        await self._process_waiting()
        if await RunStore.count_held(self._database):
            await decide_held(self._context, "approve")
            await self._process_waiting()
        await self._assert_none(UNFINISHED)

    async def _process_waiting(self) -> None:
        """A healthy scheduler and a healthy worker, until no job is left."""
        process = runner(self._database, *STAGES).process
        for _ in range(MAX_ROUNDS):
            await self._operators.process_bulk_items(0)
            await self._changes.rerun()
            await rows(self._database, _DUE)
            fetched: list[dict[str, Any]] = await rows(self._database, _NEXT)
            if not fetched:
                break
            await process(fetched[0]["deal"])
            await self.check()
