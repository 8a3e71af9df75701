"""Which of several schedulers leads: the holder of a lease, a row that expires by the database's clock.

A leader that is frozen, disconnected or replaced cannot know it in time. Hence the fence: a number that increases
whenever the lease is acquired, and that every transaction of the leader checks.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.errors import DealQueueError
from core.identity import has_ended, process_name
from core.unavailable import answer_within

log = structlog.get_logger()

LEASE = "scheduler"
# A renewal may fail twice before the lease expires.
RENEWALS = 3
SHORTEST_TIMEOUT_SECONDS = 1.0

# A lease that is held is only read. FOR UPDATE SKIP LOCKED never waits, and skips a lease whose fence is being checked.
_ACQUIRE = text("""
WITH free AS (
    SELECT name FROM leases
    WHERE name = :name AND (expires_at <= clock_timestamp() OR (holder = :holder AND process = CAST(:ended AS text)))
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE leases AS l
    SET holder = :holder, process = :process, fence = l.fence + 1,
        expires_at = clock_timestamp() + make_interval(secs => :ttl)
    FROM free WHERE l.name = free.name
    RETURNING l.fence
), first AS (
    INSERT INTO leases (name, holder, process, fence, expires_at)
    SELECT :name, :holder, :process, 1, clock_timestamp() + make_interval(secs => :ttl)
    WHERE NOT EXISTS (SELECT FROM leases WHERE name = :name)
    ON CONFLICT DO NOTHING
    RETURNING fence
)
SELECT fence FROM taken UNION ALL SELECT fence FROM first
""")
_HOLDER = text("SELECT process FROM leases WHERE name = :name AND holder = :holder")
_HELD = "name = :name AND fence = :fence AND expires_at > clock_timestamp()"
_RENEW = text(f"""
UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => :ttl) WHERE {_HELD} RETURNING fence
""")  # noqa: S608
_CHECK_HELD = text(f"SELECT fence FROM leases WHERE {_HELD}")  # noqa: S608
_RELEASE = text(f"UPDATE leases SET expires_at = clock_timestamp() WHERE {_HELD}")  # noqa: S608
# KEY SHARE blocks a take-over until the transaction ends; the leader's own renewal is not blocked.
_CHECK_FENCE = text(f"SELECT fence FROM leases WHERE {_HELD} FOR KEY SHARE")  # noqa: S608


class LeadershipLost(DealQueueError):
    """This scheduler's lease has expired or passed to another one; the transaction is rolled back."""


async def check_fence(session: AsyncSession, fence: int) -> None:
    """In a transaction of the leader: LeadershipLost unless `fence` is valid; if it is, it stays so until the end."""
    if (await session.execute(_CHECK_FENCE, {"name": LEASE, "fence": fence})).first() is None:
        raise LeadershipLost(f"This scheduler no longer leads: its fence {fence} has expired.")


def scheduler_name() -> str:
    """Stable over restarts under `make run`: the process takes over its dead incarnation's lease at once."""
    return process_name("scheduler")


class Leadership:
    """One scheduler's view of the lease: `tick` acquires or renews it, `fence` is the result.

    `process` is this process's text (core/identity.py), by which its next start knows that it has ended.
    """

    def __init__(
        self,
        database: Database,
        *,
        holder: str,
        ttl_seconds: float,
        process: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._identity = {"name": LEASE, "holder": holder, "process": process, "ttl": ttl_seconds}
        self._ttl = ttl_seconds
        self._monotonic = monotonic
        self._fence: int | None = None
        self._expires_at = self._renew_at = 0.0
        self._lock = asyncio.Lock()

    @property
    def fence(self) -> int | None:
        """Of the lease that this scheduler holds; None once it may have expired, by this process's own clock."""
        return self._fence if self.remaining_seconds > 0 else None

    @property
    def remaining_seconds(self) -> float:
        """How long the lease lasts without another answer from the database."""
        return self._expires_at - self._monotonic() if self._fence is not None else 0.0

    async def tick(self) -> bool:
        """Acquire, renew or check the lease; whether this scheduler leads.

        DatabaseUnavailable when the database does not answer in time.
        """
        async with self._lock, answer_within(max(self._ttl / RENEWALS, SHORTEST_TIMEOUT_SECONDS)):
            if (fence := self.fence) is None:
                await self._acquire()
            else:
                await self._renew_or_check(fence)
        return self.fence is not None

    async def _acquire(self) -> None:
        self._fence = None
        if not await self._acquire_from(None) and (ended := await self._dead_incarnation()) is not None:
            await self._acquire_from(ended)

    async def _acquire_from(self, ended: str | None) -> bool:
        """Whether the lease was free, or held by the process `ended` of this scheduler's name."""
        sent = self._monotonic()
        if rows := await self._database.run(_ACQUIRE, {**self._identity, "ended": ended}):
            self._fence = rows[0].fence
            self._set_expiry(sent)
            log.info("lease.acquired", holder=self._identity["holder"], fence=self._fence)
        return bool(rows)

    async def _dead_incarnation(self) -> str | None:
        """The process of this scheduler's name that holds the lease, if it has ended: the lease need not expire."""
        rows = await self._database.run(_HOLDER, self._identity)
        return rows[0].process if rows and has_ended(rows[0].process) else None

    async def _renew_or_check(self, fence: int) -> None:
        sent = self._monotonic()
        due = sent >= self._renew_at
        if not await self._database.run(_RENEW if due else _CHECK_HELD, {**self._identity, "fence": fence}):
            self._fence = None
            log.warning("lease.lost", holder=self._identity["holder"], fence=fence)
        elif due:
            self._set_expiry(sent)

    def _set_expiry(self, sent: float) -> None:
        """Count the lease from before the statement was sent: the database counts from later, so ours expires first."""
        self._expires_at, self._renew_at = sent + self._ttl, sent + self._ttl / RENEWALS

    async def release(self) -> None:
        """Let another scheduler lead at once. No job of this one may still be writing."""
        async with self._lock:
            if (fence := self.fence) is not None:
                await self._database.run(_RELEASE, {**self._identity, "fence": fence})
                log.info("lease.released", holder=self._identity["holder"], fence=fence)
            self._fence = None
