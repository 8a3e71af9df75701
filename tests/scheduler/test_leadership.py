"""Leadership among schedulers: at most one valid fence, whichever is frozen, disconnected, killed or restarted."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Executable, Row, text

from core.database import Database
from core.errors import DatabaseUnavailable
from core.identity import this_process
from scheduler.leadership import Leadership, LeadershipLost, check_fence
from tests.factories import one, rows
from tests.processes import ended_process

TTL_SECONDS = 60.0
ROUNDS = 50
# The row as it is stored: any write or row lock changes one of these.
STORED = "SELECT ctid::text, xmin::text, xmax::text FROM leases"


def scheduler(database: Database, holder: str, **more: Any) -> Leadership:
    return Leadership(database, holder=holder, ttl_seconds=TTL_SECONDS, **more)


async def expire(database: Database) -> None:
    """As if the lease's time to live had passed."""
    await database.run(text("UPDATE leases SET expires_at = clock_timestamp()"))


async def holds(database: Database, fence: int | None) -> bool:
    try:
        async with database.write() as session:
            await check_fence(session, fence or 0)
    except LeadershipLost:
        return False
    return True


async def test_the_first_leads_and_the_second_follows(database: Database) -> None:
    """Repeatedly; a refused attempt neither writes nor locks."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    assert await left.tick()
    stored = await rows(database, STORED)
    assert [await right.tick(), await left.tick(), await right.tick()] == [False, True, False]
    assert (left.fence, right.fence) == (1, None)
    assert await rows(database, STORED) == stored


async def test_the_lease_is_renewed_after_a_third_of_its_time(database: Database) -> None:
    """Under the same fence; before that it is only checked."""
    now = 0.0
    leader = scheduler(database, "left", monotonic=lambda: now)
    await leader.tick()
    acquired = await one(database, "SELECT expires_at FROM leases")
    now = TTL_SECONDS / 3 - 1
    await leader.tick()
    assert await one(database, "SELECT expires_at FROM leases") == acquired
    now = TTL_SECONDS / 3
    await leader.tick()
    assert await one(database, "SELECT expires_at FROM leases") > acquired
    assert (leader.fence, leader.remaining_seconds) == (1, TTL_SECONDS)


async def test_an_expired_lease_is_taken_over_with_another_fence(database: Database) -> None:
    """The old leader notices at its next tick, follows, and may lead again later."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    await expire(database)
    assert await right.tick()
    assert right.fence == 2
    assert not await left.tick()
    assert [await holds(database, fence) for fence in (1, 2)] == [False, True]
    await right.release()
    assert await left.tick()
    assert left.fence == 3


async def test_a_released_lease_is_free_at_once(database: Database) -> None:
    """And the scheduler that released it no longer holds it."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    fence = left.fence
    await left.release()
    assert left.fence is None
    assert not await holds(database, fence)
    assert await right.tick()
    await left.release()
    assert await right.tick(), "a follower has nothing to release"


async def test_a_restarted_scheduler_takes_over_its_own_lease_at_once(database: Database) -> None:
    """With another fence: a write that its dead incarnation still sends is refused."""
    await scheduler(database, "left", process=ended_process()).tick()
    again = scheduler(database, "left")
    assert await again.tick()
    assert again.fence == 2
    assert not await holds(database, 1)


@pytest.mark.parametrize("process", [this_process(), "boot/pid:[1]/7/1", None], ids=["here", "elsewhere", "unknown"])
async def test_two_schedulers_with_one_name_do_not_take_the_lease_from_each_other(
    database: Database, process: str | None
) -> None:
    """Not even at its start does one take the other one for its own dead incarnation: it must have ended."""
    first, second = (scheduler(database, "left", process=process) for _ in range(2))
    await first.tick()
    assert [await second.tick() for _ in range(3)] == [False, False, False]
    assert await first.tick()
    assert first.fence == 1


async def test_a_frozen_leader_that_resumes_writes_nothing(database: Database) -> None:
    """It still believes in its lease; its transaction is refused and leaves nothing behind."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    await expire(database)
    await right.tick()
    assert left.fence == 1
    with pytest.raises(LeadershipLost, match="no longer leads"):
        await _write_as(database, left.fence)
    assert await one(database, "SELECT count(*) FROM controls") == 0


async def _write_as(database: Database, fence: int) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO controls (name) VALUES ('test')"))
        await check_fence(session, fence)


async def test_an_expired_fence_is_refused_even_before_a_take_over(database: Database) -> None:
    """Another scheduler may take over at any moment."""
    left = scheduler(database, "left")
    await left.tick()
    await expire(database)
    assert not await holds(database, left.fence)


async def test_a_checked_fence_holds_until_the_transaction_ends(database: Database) -> None:
    """Neither expiry nor a renewal allows a take-over meanwhile, and no statement waits for another."""
    now = 0.0
    left, right = scheduler(database, "left", monotonic=lambda: now), scheduler(database, "right")
    await left.tick()
    async with database.write() as session, asyncio.timeout(4):  # less than the lock timeout
        await check_fence(session, left.fence or 0)
        now = TTL_SECONDS / 2
        assert await left.tick()
        await expire(database)
        stored = await rows(database, STORED)
        assert not await right.tick()
        assert await rows(database, STORED) == stored
    assert await right.tick()


async def test_the_server_ends_the_transaction_of_a_frozen_leader(database: Database) -> None:
    """Its locks are released; when it resumes, its transaction has been rolled back."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    with pytest.raises(DatabaseUnavailable):
        await _freeze_in_transaction(database, left, right)
    assert await one(database, "SELECT count(*) FROM controls") == 0
    assert await right.tick()


async def _freeze_in_transaction(database: Database, leader: Leadership, follower: Leadership) -> None:
    async with database.write() as session:
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 200"))
        await check_fence(session, leader.fence or 0)
        await session.execute(text("INSERT INTO controls (name) VALUES ('test')"))
        await expire(database)
        assert not await follower.tick()
        await asyncio.sleep(0.5)  # the freeze
        assert await follower.tick()


async def test_racing_fifty_times_there_is_never_a_second_valid_fence(database: Database) -> None:
    """Three try to acquire a free lease at once: one gets it, and the database accepts only its fence."""
    racers = [scheduler(database, name) for name in ("left", "middle", "right")]
    fences = []
    for _ in range(ROUNDS):
        assert sorted(await asyncio.gather(*(racer.tick() for racer in racers))) == [False, False, True]
        held = [racer.fence for racer in racers if racer.fence is not None]
        assert [await holds(database, fence) for fence in range(held[0] + 2)] == [False] * held[0] + [True, False]
        fences += held
        await asyncio.gather(*(racer.release() for racer in racers))
    assert fences == list(range(1, ROUNDS + 1))


async def test_a_leader_that_cannot_renew_notices_the_expiry_without_the_database(database_url: str) -> None:
    """It counts from before the statement was sent, as the database may have answered late."""
    clock = _Slow()
    database = _SlowDatabase(Database.connect(database_url, name="test", pool_size=1), clock)
    leader = Leadership(database, holder="left", ttl_seconds=TTL_SECONDS, monotonic=clock)
    assert await leader.tick()
    assert leader.remaining_seconds == TTL_SECONDS - _Slow.SECONDS
    await database.close()
    clock.now = TTL_SECONDS - 0.1
    assert leader.fence == 1
    clock.now = TTL_SECONDS
    assert leader.fence is None


class _Slow:
    """A clock that advances only while the database answers."""

    SECONDS = 4.0

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _SlowDatabase(Database):
    def __init__(self, database: Database, clock: _Slow) -> None:
        super().__init__(database.address, database.engine, database._direct, database.settings, database.renewal)
        self._clock = clock

    async def run(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        found = await super().run(statement, parameters)
        self._clock.now += _Slow.SECONDS
        return found
