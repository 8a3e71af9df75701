"""Events that may meet in any order, and what must be true after each of them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import text

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.departures import call_off
from pipeline.runs.lease import Lease, LeaseLost, claim, renew
from pipeline.runs.rescue import reap, release_own, sweep
from pipeline.runs.transition import StepEnd, Transition, move
from tests.crash.deals import repeated
from tests.factories import LEASE_SECONDS, one, queued_deal, rows

DEALS = 2
ACTIONS = ("claim", "advance", "give back", "fail", "expire", "reap", "sweep", "release", "repeat", "lose jobs",
           "renew", "call off", "late", "due", "take over")  # fmt: skip
# What is wanted more often, so that runs come to their end.
LIKELY = (*ACTIONS, *("claim", "advance", "late", "take over") * 3)
WORKERS = ("one", "two")

CONTRADICTIONS = """
SELECT 'deal and run' AS what, d.id FROM deals d JOIN pipeline_runs r ON r.id = d.latest_run_id
WHERE d.status <> r.status
UNION ALL SELECT 'two active runs', deal_id FROM pipeline_runs WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING')
GROUP BY deal_id HAVING count(*) > 1
UNION ALL SELECT 'running step of a run that is not', r.id FROM pipeline_runs r JOIN steps s ON s.run_id = r.id
WHERE s.status = 'RUNNING' AND r.status <> 'RUNNING'
UNION ALL SELECT 'two running steps', run_id FROM steps WHERE status = 'RUNNING' GROUP BY run_id HAVING count(*) > 1
UNION ALL SELECT 'step behind an unfinished one', a.run_id FROM steps a JOIN steps b
ON a.run_id = b.run_id AND b.position = a.position + 1 AND a.status <> 'DONE'
UNION ALL SELECT 'done without its steps', r.id FROM pipeline_runs r WHERE r.status = 'DONE'
AND jsonb_array_length(r.stages) <> (SELECT count(*) FROM steps s WHERE s.run_id = r.id AND s.status = 'DONE')
UNION ALL SELECT 'open attempt of a run that is not running', a.run_id FROM step_attempts a
JOIN pipeline_runs r ON r.id = a.run_id WHERE a.ended_at IS NULL AND r.status <> 'RUNNING'
UNION ALL SELECT 'attempts', s.run_id FROM steps s WHERE s.attempts <>
    (SELECT count(*) FROM step_attempts a WHERE a.run_id = s.run_id AND a.position = s.position)
UNION ALL SELECT 'two suspects at a time', count(*) FROM pipeline_runs WHERE status = 'RUNNING' AND crashes >= 2
HAVING count(*) > 1
UNION ALL SELECT 'failed with fewer crashes', id FROM pipeline_runs WHERE reason = 'CRASHED' AND crashes < 5
UNION ALL SELECT 'ended or not', id FROM pipeline_runs
WHERE (ended_at IS NULL) <> (status IN ('QUEUED', 'RUNNING', 'RETRYING'))
"""
NUMBERS = """
SELECT 'epoch ' || id AS what, epoch AS n FROM pipeline_runs
UNION ALL SELECT 'claims ' || id, claims FROM pipeline_runs
UNION ALL SELECT 'attempts ' || run_id || ' ' || position, attempts FROM steps
UNION ALL SELECT 'done ' || run_id, count(*) FROM steps WHERE status = 'DONE' GROUP BY run_id
"""
AGED = text("UPDATE pipeline_runs SET created_at = now() - interval '1 minute'")
EXPIRED = text("""
UPDATE pipeline_runs SET lease_until = clock_timestamp() - interval '1 ms' WHERE deal_id = :deal AND status = 'RUNNING'
""")
DUE = text("UPDATE pipeline_runs SET next_attempt_at = now() WHERE deal_id = :deal AND status = 'RETRYING'")
STATEMENTS = {"expire": EXPIRED, "due": DUE, "lose jobs": text("DELETE FROM procrastinate_jobs")}
# The tests' server has only just been started; with the real lease each death of a worker would be its fault.
SHORT = 0.001
RESCUES: dict[str, Callable[[Database], Awaitable[int]]] = {"reap": partial(reap, lease_seconds=SHORT), "sweep": sweep}


class Interleaving:
    """Deals of its own; every lease that was ever given is kept, so that late workers come back with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._deals: list[int] = []
        self._held: list[tuple[Lease, int | None]] = []
        self._numbers: dict[str, int] = {}

    async def begin(self) -> None:
        """Two QUEUED deals, nothing else."""
        await self._database.run(text("DELETE FROM deals"))
        await self._database.run(text("DELETE FROM procrastinate_jobs"))
        self._deals = [await queued_deal(self._database) for _ in range(DEALS)]
        await self._database.run(AGED)

    async def play(self, action: str, deal: int, way: int) -> None:
        """One event; that a worker is told it has lost its lease is no failure."""
        with suppress(LeaseLost):
            await self._do(action, self._deals[deal], WORKERS[deal % 2], way)

    async def _do(self, action: str, deal: int, worker: str, way: int) -> None:
        if action in STATEMENTS:
            await self._database.run(STATEMENTS[action], {"deal": deal} if action != "lose jobs" else {})
        elif action in RESCUES:
            await RESCUES[action](self._database)
        elif action in ("claim", "take over"):
            await self._claim(deal, worker, begins=way > 0, expired=action == "take over")
        elif action == "release":
            await release_own(self._database, worker, lease_seconds=SHORT)
        elif action == "repeat":
            await repeated(self._database, [deal], 2)
        elif action == "call off":
            await self._call_off(deal)
        elif self._held:
            index = way % len(self._held) if action == "late" else len(self._held) - 1
            await self._as_worker("advance" if action == "late" else action, index, way)

    async def _claim(self, deal: int, worker: str, *, begins: bool, expired: bool) -> None:
        if expired:
            await self._database.run(EXPIRED, {"deal": deal})
        if lease := await claim(self._database, deal, worker=worker, lease_seconds=LEASE_SECONDS):
            self._held.append((lease, None))
            if begins:
                await self._as_worker("advance", len(self._held) - 1, 0)

    async def _as_worker(self, action: str, index: int, way: int) -> None:
        """Whoever has this lease, or had it once, goes on with its run as if nothing had happened."""
        lease, position = self._held[index]
        if action == "renew":
            await renew(self._database, lease, lease_seconds=LEASE_SECONDS)
            return
        to = Transition(begin=lease.position) if position is None else _transition(action, position, lease, way)
        await move(self._database, lease, to, lease_seconds=LEASE_SECONDS)
        epoch = await one(self._database, "SELECT epoch FROM pipeline_runs WHERE id = :id", id=lease.run_id)
        assert epoch == lease.epoch, "a worker that has lost its lease wrote to the run"
        if to.begin is not None:
            self._held[index] = (lease, to.begin)

    async def _call_off(self, deal: int) -> None:
        async with self._database.write() as session:
            found = await session.scalar(text("SELECT hubspot_deal_id FROM deals WHERE id = :deal"), {"deal": deal})
            await call_off(session, [str(found)], RunReason.ARCHIVED)

    async def check(self) -> None:
        assert await rows(self._database, CONTRADICTIONS) == []
        found = {row["what"]: row["n"] for row in await rows(self._database, NUMBERS)}
        shrunk = {name: n for name, n in self._numbers.items() if found.get(name, 0) < n}
        assert shrunk == {}
        self._numbers = found

    async def finish(self) -> None:
        """Every worker is dead and the rescue has come by: each waiting run has a job that brings it."""
        for deal in self._deals:
            await self._database.run(EXPIRED, {"deal": deal})
        await reap(self._database, lease_seconds=SHORT)
        await sweep(self._database)
        await self.check()
        waiting: list[dict[str, Any]] = await rows(
            self._database,
            """SELECT r.id FROM pipeline_runs r WHERE r.status IN ('QUEUED', 'RUNNING', 'RETRYING') AND NOT EXISTS (
               SELECT FROM procrastinate_jobs j WHERE j.id = r.job_id AND j.status = 'todo')""",
        )
        assert waiting == []


def _transition(action: str, position: int, lease: Lease, way: int) -> Transition:
    """What a runner would write next, from where it believes that it is."""
    if action == "fail":
        failed = StepEnd(position, StepStatus.FAILED, error_type="TransientCrmError", error_message="502")
        if way == 0:
            return Transition(status=RunStatus.FAILED, end=failed)
        return Transition(status=RunStatus.RETRYING, end=failed, delay_seconds=60)
    done = StepEnd(position, StepStatus.DONE, output={"way": way})
    if position == len(lease.stages) - 1:
        return Transition(status=RunStatus.DONE, end=done)
    return (
        Transition(status=RunStatus.QUEUED, end=done)
        if action == "give back"
        else Transition(end=done, begin=position + 1)
    )
