"""Leadership among schedulers: at most one valid fence, whoever is frozen, cut off, killed or started again."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Executable, Row, text

from core.database import Database
from core.errors import DatabaseUnavailable
from scheduler.leadership import Leadership, LostLease, check_fence, scheduler_name
from tests.factories import one, rows

TTL_SECONDS = 60.0
ROUNDS = 50
# The row as it is stored: any write or row lock changes one of these.
STORED = "SELECT ctid::text, xmin::text, xmax::text FROM leases"


def scheduler(database: Database, holder: str, **more: Any) -> Leadership:
    return Leadership(database, holder=holder, ttl_seconds=TTL_SECONDS, **more)


async def expire(database: Database) -> None:
    """As if the time to live had passed."""
    await database.run(text("UPDATE leases SET expires_at = clock_timestamp()"))


async def holds(database: Database, fence: int | None) -> bool:
    try:
        async with database.write() as session:
            await check_fence(session, fence or 0)
    except LostLease:
        return False
    return True


async def test_the_first_leads_and_the_second_follows(database: Database) -> None:
    """Again and again; a refused attempt neither writes nor locks."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    assert await left.tick()
    stored = await rows(database, STORED)
    assert [await right.tick(), await left.tick(), await right.tick()] == [False, True, False]
    assert (left.fence, right.fence) == (1, None)
    assert await rows(database, STORED) == stored


async def test_it_is_renewed_when_a_third_of_its_time_is_over(database: Database) -> None:
    """Under the same fence; before that it is only looked at."""
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
    """And who released it does not hold it any more."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    fence = left.fence
    await left.release()
    assert left.fence is None
    assert not await holds(database, fence)
    assert await right.tick()
    await left.release()
    assert await right.tick(), "who does not lead has nothing to release"


async def test_a_restarted_scheduler_takes_its_own_lease_back_at_once(database: Database) -> None:
    """With another fence: what its dead incarnation still has under way is refused."""
    await scheduler(database, "left").tick()
    again = scheduler(database, "left")
    assert await again.tick()
    assert again.fence == 2
    assert not await holds(database, 1)


async def test_two_that_share_a_name_do_not_take_turns(database: Database) -> None:
    """The one that was started later leads; the other one knows that it is not its dead self."""
    first, second = scheduler(database, "left"), scheduler(database, "left")
    await first.tick()
    await second.tick()
    assert [await first.tick() for _ in range(3)] == [False, False, False]
    assert await second.tick()
    assert second.fence == 2


async def test_a_frozen_leader_that_wakes_writes_nothing(database: Database) -> None:
    """It still believes in its lease; its transaction is refused and leaves nothing behind."""
    left, right = scheduler(database, "left"), scheduler(database, "right")
    await left.tick()
    await expire(database)
    await right.tick()
    assert left.fence == 1
    with pytest.raises(LostLease, match="does not lead any more"):
        await _write_as(database, left.fence)
    assert await one(database, "SELECT count(*) FROM controls") == 0


async def _write_as(database: Database, fence: int) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO controls (name) VALUES ('test')"))
        await check_fence(session, fence)


async def test_an_expired_fence_is_refused_even_if_nobody_has_taken_over(database: Database) -> None:
    """Somebody may at any moment."""
    left = scheduler(database, "left")
    await left.tick()
    await expire(database)
    assert not await holds(database, left.fence)


async def test_a_checked_fence_holds_until_the_transaction_ends(database: Database) -> None:
    """Neither expiry nor a renewal lets anybody take over meanwhile, and nobody waits for anybody."""
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


async def test_a_leader_that_is_frozen_inside_of_a_transaction_is_ended_by_the_server(database: Database) -> None:
    """Its locks go with it; woken, it finds its transaction rolled back."""
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
    """Three go for a free lease at the same time: one gets it, and the database accepts its fence alone."""
    racers = [scheduler(database, name) for name in ("left", "middle", "right")]
    fences = []
    for _ in range(ROUNDS):
        assert sorted(await asyncio.gather(*(racer.tick() for racer in racers))) == [False, False, True]
        held = [racer.fence for racer in racers if racer.fence is not None]
        assert [await holds(database, fence) for fence in range(held[0] + 2)] == [False] * held[0] + [True, False]
        fences += held
        await asyncio.gather(*(racer.release() for racer in racers))
    assert fences == list(range(1, ROUNDS + 1))


async def test_a_leader_that_cannot_renew_knows_by_itself_when_its_time_is_over(database_url: str) -> None:
    """Without the database; and counted from before the question, as the database may have answered late."""
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
    """A clock that goes on while the database answers, only."""

    SECONDS = 4.0

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _SlowDatabase(Database):
    def __init__(self, database: Database, clock: _Slow) -> None:
        super().__init__(database.engine, database._direct)
        self._clock = clock

    async def run(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        found = await super().run(statement, parameters)
        self._clock.now += _Slow.SECONDS
        return found


@pytest.mark.parametrize(
    ("under", "expected"), [("scheduler", lambda: "scheduler"), (None, lambda: f"scheduler-{os.getpid()}")]
)
def test_its_name_is_the_same_after_a_restart_under_supervisord_only(
    monkeypatch: pytest.MonkeyPatch, under: str | None, expected: Callable[[], str]
) -> None:
    """Two that were started by hand are two."""
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    if under:
        monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", under)
    assert scheduler_name() == f"{expected()}@{socket.gethostname()}"
