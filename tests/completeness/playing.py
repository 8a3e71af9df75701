"""Plays a program: people edit the account, schedulers sync it, faults occur; in the end everything has stopped."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy import text

from core.database import Database
from crm import transport
from models import RunStatus, StepStatus, SyncKind
from pipeline.runs.lease import Lease
from pipeline.runs.transition import StepEnd, Transition
from scheduler.sync.scan_parts import load_parts
from scheduler.sync.sync_state import load_state
from tests.completeness.account import Account
from tests.completeness.flights import Flight, WatchedTransport
from tests.completeness.operations import (
    HOLD_ABOVE,
    OVERLAP_SECONDS,
    SETTLE_SECONDS,
    Change,
    Fault,
    Lag,
    Operation,
    Program,
    Release,
    Run,
    Start,
    TakeOver,
    Wait,
    Work,
)
from tests.completeness.schedulers import Scheduler, take_the_lead
from tests.factories import WORKER, rows, run_store

SETTINGS = {
    "settle_seconds": SETTLE_SECONDS,
    "overlap_seconds": OVERLAP_SECONDS,
    "backfill_process": "all",
    "rerun_on": "dealstage",
    "sync_hold_above": HOLD_ABOVE,
}
# A hang must not cost seconds; after the program, no call may time out because the machine is busy.
SHORT_SECONDS, LONG_SECONDS, DRIP_SECONDS = 0.2, 20.0, 0.04
EMPTY = text(
    "TRUNCATE deals, procrastinate_jobs, sync_state, sync_runs, sync_rejects, sync_scans, leases"
    " RESTART IDENTITY CASCADE"
)
LAST = "SELECT outcome, error FROM sync_runs WHERE kind = CAST(:kind AS sync_kind) ORDER BY id DESC LIMIT 1"
QUEUED = "SELECT deal_id FROM pipeline_runs WHERE status = 'QUEUED' AND reason IS NULL ORDER BY id LIMIT :count"


class Player:
    """`counts` is what actually happened."""

    def __init__(self, account: Account, database: Database, database_url: str, transport: WatchedTransport) -> None:
        self.account = account
        self.database = database
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.changed: set[str] = set()
        self._lag = 0
        self._leader: Scheduler | None = None
        self._former: list[Scheduler] = []
        self._new_leader = partial(take_the_lead, database_url, account.url, account.token, transport)

    async def play(self, program: Program) -> None:
        """The whole program, until all jobs have ended; then the faults are cleared."""
        transport.CALL_SECONDS = SHORT_SECONDS
        try:
            for operation in program:
                await self._perform(operation)
            await self._finish_jobs()
        finally:
            transport.CALL_SECONDS = LONG_SECONDS
        self.faults = self.account.clear_faults()
        self.counts.update({f"fault {kind}": times for kind, times in self.faults.items()})
        await self._count_records()

    async def leader(self) -> Scheduler:
        """The leading scheduler; after a kill a new one under the same name."""
        if self._leader is None or self._leader.dead:
            await self._replace_leader(f"scheduler-{len(self._former)}")
        if self._leader is None:
            raise AssertionError("There is a leader by now")
        return self._leader

    async def finish(self, job: str) -> None:
        """Resume an interrupted scan, then run the job once more from its beginning, undisturbed."""
        leader = await self.leader()
        if await load_parts(self.database, SyncKind(job.upper())):
            await leader.run(job)
        await leader.run(job)
        last = await rows(self.database, LAST, kind=job.upper())
        assert last[0]["outcome"] == "DONE", last

    async def backfilled(self) -> None:
        leader = await self.leader()
        await leader.run("backfill")
        state = await load_state(self.database)
        assert state is not None
        assert state.backfilled_at is not None

    async def close(self) -> None:
        for scheduler in self._all:
            scheduler.die()
            with suppress(Exception):
                await scheduler.finish_jobs()
            await scheduler.close()

    async def _perform(self, operation: Operation) -> None:
        match operation:
            case Run(starts):
                await self._run(starts)
            case Release():
                await self._finish_jobs()
            case TakeOver():
                await self._take_over()
            case Work(count):
                await self._complete_runs(count)
            case _:
                self._happen_in_hubspot(operation)

    def _happen_in_hubspot(self, operation: Change | Lag | Wait | Fault) -> None:
        match operation:
            case Change():
                self.change(operation)
            case Lag(milliseconds):
                self._lag = milliseconds[1]
                self.account.configure(lag_ms=milliseconds)
            case Wait(seconds):
                self.account.advance(seconds)
            case Fault(kind, path, skip, times):
                drips = DRIP_SECONDS if kind == "slow_drip" else None
                self.account.fault(kind, path, skip=skip, times=times, seconds=drips)

    def change(self, change: Change) -> None:
        """By people, through the control plane; counts what was actually changed."""
        done = sum(map(len, _CHANGES[change.what](self.account, change.count).values()))
        if done:
            self.changed.add(change.what)
            self.counts[change.what] += done
            self.counts["write that lags"] += done if self._lag else 0
            self.counts["write that may lag beyond the overlap"] += done if self._lag > OVERLAP_SECONDS * 1000 else 0

    async def _run(self, starts: tuple[Start, ...]) -> None:
        leader = await self.leader()
        flights = []
        for start in {start.job: start for start in starts}.values():
            if (former := leader.flights.get(start.job)) is not None and former.task is not None:
                former.release()
                await former.ended_or_held()
            if not leader.dead:
                flights.append(leader.start(start.job, self._flight(start)))
        for flight in flights:
            await flight.ended_or_held()
            self.counts["answer held"] += flight.held.is_set()

    def _flight(self, start: Start) -> Flight:
        beside: dict[int, Callable[[], None]] = {}
        if start.beside is not None:
            number, change = start.beside

            def act() -> None:
                self.counts["change between answer and storage"] += 1
                self.change(change)

            beside[number] = act
        return Flight(kill=start.kill, hold_at=start.hold_at, beside=beside, counts=self.counts)

    async def _replace_leader(self, holder: str) -> None:
        if self._leader is not None:
            self._former.append(self._leader)
            if self._leader.dead:
                await self._leader.finish_jobs()
        self._leader = await self._new_leader(holder=holder, **SETTINGS)

    @property
    def _all(self) -> list[Scheduler]:
        return [*self._former, *([self._leader] if self._leader else [])]

    async def _finish_jobs(self) -> None:
        for scheduler in self._all:
            await scheduler.finish_jobs()

    async def _take_over(self) -> None:
        self.counts["take-over"] += 1
        self.counts["take-over of a running sync"] += bool(self._leader and self._leader.running)
        await self._replace_leader(f"rival-{len(self._former)}")

    async def _complete_runs(self, count: int) -> None:
        for deal in await rows(self.database, QUEUED, count=count):
            lease = await run_store(self.database).claim(deal["deal_id"], worker=WORKER)
            if lease is not None:
                await self._complete(lease)
                self.counts["run completed"] += 1

    async def _complete(self, lease: Lease) -> None:
        last = len(lease.stages) - 1
        await run_store(self.database).move(lease, Transition(begin=last))
        end = Transition(status=RunStatus.DONE, end=StepEnd(last, StepStatus.DONE))
        await run_store(self.database).move(lease, end)

    async def _count_records(self) -> None:
        found = await rows(
            self.database,
            """SELECT lower(outcome::text) AS outcome, sum(polls) AS polls,
                      count(*) FILTER (WHERE error LIKE '%its fence%') AS lost FROM sync_runs GROUP BY outcome""",
        )
        for row in found:
            self.counts[f"sync {row['outcome']}"] += int(row["polls"])
            self.counts["write of a former leader refused"] += row["lost"]


def _preserved(account: Account, count: int) -> dict[str, list[str]]:
    account.configure(primary_id_preserved=True)
    try:
        return account.mutate(merge=count)
    finally:
        account.configure(primary_id_preserved=False)


_CHANGES: Mapping[str, Callable[[Account, int], dict[str, list[str]]]] = {
    "mass_edit": lambda account, _: account.mutate(edit=1, all=True, same_timestamp=True),
    "mass_touch": lambda account, _: account.mutate(touch=1, all=True, same_timestamp=True),
    "pipeline_edit": lambda account, _: account.mutate(pipeline_edit="default"),
    "merge_into_first": _preserved,
    "purge_archived": lambda account, count: account.mutate(purge=account.ids(archived=True)[:count]),
    **{
        name: lambda account, count, name=name: account.mutate(**{name: count})  # type: ignore[misc]
        for name in ("create", "edit", "touch", "archive", "restore", "merge", "purge")
    },
}
