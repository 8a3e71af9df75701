"""Plays a program: people work in the account, schedulers sync it, things go wrong; in the end it is quiet."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy import text

from core.database import Database
from crm import transport
from models import RunStatus, StepStatus, SyncKind
from pipeline.runs.lease import Lease, claim
from pipeline.runs.transition import StepEnd, Transition, move
from scheduler.scans import load_scans
from scheduler.sync_state import load_state
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
from tests.factories import LEASE_SECONDS, WORKER, rows

SETTINGS = {
    "settle_seconds": SETTLE_SECONDS,
    "overlap_seconds": OVERLAP_SECONDS,
    "backfill_process": "all",
    "rerun_on": "dealstage",
    "sync_hold_above": HOLD_ABOVE,
}
# A hang must not cost seconds; when it is quiet, nothing may fail because the machine is busy.
HURRIED_SECONDS, PATIENT_SECONDS, DRIP_SECONDS = 0.2, 20.0, 0.04
EMPTY = text(
    "TRUNCATE deals, procrastinate_jobs, sync_state, sync_runs, sync_rejects, sync_scans, leases"
    " RESTART IDENTITY CASCADE"
)
LAST = "SELECT outcome, error FROM sync_runs WHERE kind = CAST(:kind AS sync_kind) ORDER BY id DESC LIMIT 1"
QUEUED = "SELECT deal_id FROM pipeline_runs WHERE status = 'QUEUED' AND reason IS NULL ORDER BY id LIMIT :count"


class Player:
    """`counts` is what really happened."""

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
        """All of it, until everything that was under way has ended; faults are over then."""
        transport.CALL_SECONDS = HURRIED_SECONDS
        try:
            for operation in program:
                await self._do(operation)
            await self._come_to_rest()
        finally:
            transport.CALL_SECONDS = PATIENT_SECONDS
        self.faults = self.account.clear_faults()
        self.counts.update({f"fault {kind}": times for kind, times in self.faults.items()})
        await self._count_records()

    async def leader(self) -> Scheduler:
        """The one that leads; after a death a new one under the same name."""
        if self._leader is None or self._leader.dead:
            await self._replace_leader(f"scheduler-{len(self._former)}")
        if self._leader is None:
            raise AssertionError("There is one by now")
        return self._leader

    async def finish(self, job: str) -> None:
        """Go on with what was cut off, then do it once more from its beginning, undisturbed."""
        leader = await self.leader()
        if await load_scans(self.database, SyncKind(job.upper())):
            await leader.do(job)
        await leader.do(job)
        last = await rows(self.database, LAST, kind=job.upper())
        assert last[0]["outcome"] == "DONE", last

    async def backfilled(self) -> None:
        leader = await self.leader()
        await leader.do("backfill")
        state = await load_state(self.database)
        assert state is not None
        assert state.backfilled_at is not None

    async def close(self) -> None:
        for scheduler in self._all:
            scheduler.die()
            with suppress(Exception):
                await scheduler.come_to_rest()
            await scheduler.close()

    async def _do(self, operation: Operation) -> None:
        match operation:
            case Run(starts):
                await self._run(starts)
            case Release():
                await self._come_to_rest()
            case TakeOver():
                await self._take_over()
            case Work(count):
                await self._work(count)
            case _:
                self._happen(operation)

    def _happen(self, operation: Change | Lag | Wait | Fault) -> None:
        """In HubSpot."""
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
        """By people, through the control plane; what was really done is counted."""
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
                await former.rests()
            if not leader.dead:
                flights.append(leader.start(start.job, self._flight(start)))
        for flight in flights:
            await flight.rests()
            self.counts["answer held up"] += flight.held.is_set()

    def _flight(self, start: Start) -> Flight:
        beside: dict[int, Callable[[], None]] = {}
        if start.beside is not None:
            number, change = start.beside

            def act() -> None:
                self.counts["change between answer and storing"] += 1
                self.change(change)

            beside[number] = act
        return Flight(kill=start.kill, hold_at=start.hold_at, beside=beside, counts=self.counts)

    async def _replace_leader(self, holder: str) -> None:
        if self._leader is not None:
            self._former.append(self._leader)
            if self._leader.dead:
                await self._leader.come_to_rest()
        self._leader = await self._new_leader(holder=holder, **SETTINGS)

    @property
    def _all(self) -> list[Scheduler]:
        return [*self._former, *([self._leader] if self._leader else [])]

    async def _come_to_rest(self) -> None:
        for scheduler in self._all:
            await scheduler.come_to_rest()

    async def _take_over(self) -> None:
        self.counts["take-over"] += 1
        self.counts["take-over of a sync under way"] += bool(self._leader and self._leader.under_way)
        await self._replace_leader(f"rival-{len(self._former)}")

    async def _work(self, count: int) -> None:
        for deal in await rows(self.database, QUEUED, count=count):
            lease = await claim(self.database, deal["deal_id"], worker=WORKER, lease_seconds=LEASE_SECONDS)
            if lease is not None:
                await self._end(lease)
                self.counts["run brought to its end"] += 1

    async def _end(self, lease: Lease) -> None:
        last = len(lease.stages) - 1
        await move(self.database, lease, Transition(begin=last), lease_seconds=LEASE_SECONDS)
        end = Transition(status=RunStatus.DONE, end=StepEnd(last, StepStatus.DONE))
        await move(self.database, lease, end, lease_seconds=LEASE_SECONDS)

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
