"""Worker processes, played by hand: what each does next, when it vanishes, and what it writes when it comes back."""

import asyncio
import uuid
from collections import Counter

from core.database import Database
from models import RunStatus
from models.conditions import QUARANTINE, QUEUE
from pipeline.runs.lease import CancelRequested, Lease, LeaseLost
from pipeline.runs.transition import Moved, Transition
from tests.crash.hand import ENDINGS, KEYS, STAGES, Hand, transition
from tests.factories import LEASE_SECONDS, one, rows, run_store
from tests.pipeline.staging import runner

WORKERS = ("ada", "bob")
# The tests' server has only just been started; with the real lease each death of a worker would be its fault.
SHORT = 0.001

# The `how` of a process that leaves the job of a run that it has ended for its next act.
SLOW = 5

_EXPIRED = """
UPDATE pipeline_runs SET lease_until = clock_timestamp() - interval '1 ms'
WHERE deal_id = :deal AND status = 'RUNNING' RETURNING id
"""
_REGISTERED = "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"
_GONE = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = :id RETURNING id"
_FETCHED = f"""
SELECT id, (args ->> 'deal_id')::bigint AS deal
FROM procrastinate_fetch_job_v2(ARRAY['{QUEUE}', '{QUARANTINE}'], :worker) WHERE id IS NOT NULL
"""
_FINISHED = "DELETE FROM procrastinate_jobs WHERE id = :id AND status = 'doing' RETURNING id"


class Crew:
    """`hands` are those of living processes; `ghosts` of vanished ones, which may come back as if nothing had been."""

    def __init__(self, database: Database, counts: Counter[str]) -> None:
        self._database = database
        self._counts = counts
        self._move_run = runner(database, *STAGES, lease_seconds=LEASE_SECONDS)._move
        self._starting = asyncio.Lock()
        self._numbers: dict[str, int] = {}
        self._incarnations: dict[str, str] = {}
        self.hands: list[Hand] = []
        self.ghosts: list[Hand] = []

    async def fetch(self, worker: str) -> Hand | None:
        """The job that is next; a process that has vanished is started again first."""
        if worker not in self._numbers:
            await self.restart(worker)
        for job in await rows(self._database, _FETCHED, worker=self._numbers[worker]):
            self._counts["fetch"] += 1
            hand = Hand(worker, job["deal"], job["id"])
            self.hands.append(hand)
            return hand
        return None

    async def claim(self, worker: str, how: int) -> None:
        """What a worker has fetched, or fetches now; often it begins the stage at once."""
        fetched = [hand for hand in self.hands if hand.lease is None and not hand.over]
        if hand := fetched[0] if fetched else await self.fetch(worker):
            await self._claim(hand, how)

    async def take_over(self, worker: str, deal: int, how: int) -> None:
        """By a job that was delivered twice, when the lease of another worker is over."""
        expired = await self.expire(deal)
        hand = Hand(worker, deal, None)
        self.hands.append(hand)
        await self._claim(hand, how)
        self._counts["take over"] += bool(expired and hand.lease)

    async def expire(self, deal: int) -> int:
        return len(await rows(self._database, _EXPIRED, deal=deal))

    async def act(self, action: str, which: int, how: int) -> None:
        """A living process goes on with a run."""
        if hand := _chosen([hand for hand in self.hands if hand.lease], which):
            await self._act(hand, action, how)

    async def finish(self, which: int) -> None:
        """It takes a run through the stages that are left."""
        hand = _chosen(self._at_work(), which)
        for _ in KEYS:
            if hand is not None and not hand.over:
                self._counts["finish"] += await self._act(hand, "advance", 0)

    def deal_at_work(self, which: int) -> int | None:
        """One whose run a living process is at."""
        hand = _chosen(self._at_work(), which)
        return hand.deal if hand else None

    def _at_work(self) -> list[Hand]:
        return [hand for hand in self.hands if hand.lease and not hand.over]

    async def come_back(self, worker: str, which: int, how: int) -> None:
        """A process that was thought dead goes on as if nothing had been; perhaps it was frozen only just now."""
        if how > 2:
            await self.vanish(worker)
        if hand := _chosen([hand for hand in self.ghosts if hand.lease and not hand.over], which):
            self._counts["late"] += await self._act(hand, ENDINGS[how], how)

    async def notice(self, which: int, how: int) -> None:
        """A living process renews a lease, or looks whether somebody wants the run's end."""
        hand = _chosen(self._at_work(), which)
        if hand is None or hand.lease is None:
            return
        try:
            if how % 2:
                await run_store(self._database).check(hand.lease)
            else:
                await run_store(self._database).renew(hand.lease)
            self._counts["notice"] += 1
        except CancelRequested:
            self._counts["cancel noticed"] += not hand.stops
            hand.stops = True
        except LeaseLost:
            self._counts["loss noticed"] += 1
            hand.over = True

    async def vanish(self, worker: str) -> None:
        """The process is gone: nothing more is written by it, nothing is given back."""
        if number := self._numbers.pop(worker, None):
            self._counts["vanish"] += any(hand.worker == worker for hand in self.hands)
            self.ghosts += [hand for hand in self.hands if hand.worker == worker]
            self.hands = [hand for hand in self.hands if hand.worker != worker]
            await rows(self._database, _GONE, id=number)

    async def restart(self, worker: str) -> None:
        """It takes back at once what it held when it vanished."""
        async with self._starting:
            await self._restart(worker)

    async def _restart(self, worker: str) -> None:
        await self.vanish(worker)
        released = await run_store(self._database, SHORT).release_own(worker)
        self._counts["restart"] += bool(released)
        number = await one(self._database, _REGISTERED)
        self._incarnations[worker] = uuid.uuid4().hex
        self._numbers[worker] = number
        await self.beat(worker)

    async def beat(self, worker: str) -> None:
        """A sign of life: what it was accused of is forgiven."""
        if worker in self._numbers:
            self._counts["beat"] += 1
            await run_store(self._database).record_heartbeat(
                worker=worker, incarnation=self._incarnations[worker], queue_workers=[self._numbers[worker]]
            )

    async def _claim(self, hand: Hand, how: int) -> None:
        lease = await run_store(self._database).claim(hand.deal, worker=hand.worker)
        if lease is None:
            self._counts["postpone"] += await run_store(self._database).postpone(hand.deal, seconds=1)
            self._counts["nothing to claim"] += 1
            await self._finish(hand)
            return
        self._counts["claim"] += 1
        hand.lease = lease
        if how > 1:
            await self._act(hand, "advance", 0)

    async def _act(self, hand: Hand, action: str, how: int) -> bool:
        """Whether it wrote to the run. A job is finished at once or, now and then, with the next act."""
        if hand.busy:
            return False
        hand.busy, wrote = True, False
        if hand.lease is not None and not hand.over:
            wrote = await self._move(hand, hand.lease, action, how)
        if hand.over and how != SLOW:
            await self._finish(hand)
        hand.busy = False
        return wrote

    async def _move(self, hand: Hand, lease: Lease, action: str, how: int) -> bool:
        to, epoch = transition(hand, lease, action, how), await self._epoch(lease)
        try:
            moved = await self._move_run(lease, to)
        except LeaseLost:
            self._counts["write refused"] += 1
            hand.over = True
            return False
        assert epoch == lease.epoch, "a worker that has lost its lease wrote to the run"
        self._note(hand, action, to, moved)
        hand.position, hand.failures, hand.over = to.begin, moved.failures, moved.attempt is None
        return True

    async def _epoch(self, lease: Lease) -> int:
        return int(await one(self._database, "SELECT epoch FROM pipeline_runs WHERE id = :id", id=lease.run_id))

    def _note(self, hand: Hand, action: str, to: Transition, moved: Moved) -> None:
        if moved.status is RunStatus.CANCELLED:
            self._counts["cancelled before its stage" if hand.position is None else "cancelled in its stage"] += 1
        elif hand.stops:
            self._counts["gone on though it had stopped"] += 1
        else:
            self._counts["begin" if hand.position is None and to.begin is not None else action] += 1

    async def _finish(self, hand: Hand) -> None:
        hand.over = True
        if hand.job is not None:
            await rows(self._database, _FINISHED, id=hand.job)
        hand.job = None
        self.hands = [other for other in self.hands if other is not hand]


def _chosen(hands: list[Hand], which: int) -> Hand | None:
    """Of those that are there, the last one first."""
    return hands[-1 - which % len(hands)] if hands else None
