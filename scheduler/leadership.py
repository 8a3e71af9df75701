"""Which of several schedulers leads: the holder of a row that expires by the database's clock.

Whoever is frozen, cut off or replaced cannot know it in time. Hence the fence: a number that moves whenever the lease
changes hands, and that every transaction of the leader checks.
"""

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.entry import process_name
from core.errors import DealQueueError
from core.unavailable import answer_within

log = structlog.get_logger()

LEASE = "scheduler"
# A renewal may fail twice before the lease is over.
RENEWALS = 3
SHORTEST_PATIENCE_SECONDS = 1.0

# Rows that are not free are only read; FOR UPDATE waits for nobody, and is what a checked fence keeps out.
_ACQUIRE = text("""
WITH free AS (
    SELECT name FROM leases
    WHERE name = :name AND (expires_at <= clock_timestamp() OR (:adopts AND holder = :holder))
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE leases AS l
    SET holder = :holder, fence = l.fence + 1, expires_at = clock_timestamp() + make_interval(secs => :ttl)
    FROM free WHERE l.name = free.name
    RETURNING l.fence
), first AS (
    INSERT INTO leases (name, holder, fence, expires_at)
    SELECT :name, :holder, 1, clock_timestamp() + make_interval(secs => :ttl)
    WHERE NOT EXISTS (SELECT FROM leases WHERE name = :name)
    ON CONFLICT DO NOTHING
    RETURNING fence
)
SELECT fence FROM taken UNION ALL SELECT fence FROM first
""")
_HELD = "name = :name AND fence = :fence AND expires_at > clock_timestamp()"
_RENEW = text(f"""
UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => :ttl) WHERE {_HELD} RETURNING fence
""")  # noqa: S608
_LOOK = text(f"SELECT fence FROM leases WHERE {_HELD}")  # noqa: S608
_RELEASE = text(f"UPDATE leases SET expires_at = clock_timestamp() WHERE {_HELD}")  # noqa: S608
# KEY SHARE keeps a take-over out until the transaction ends, and the leader's own renewal it lets through.
_CHECK = text(f"SELECT fence FROM leases WHERE {_HELD} FOR KEY SHARE")  # noqa: S608


class LostLease(DealQueueError):
    """Another scheduler leads by now; what this one was about to write is rolled back."""


async def check_fence(session: AsyncSession, fence: int) -> None:
    """In a transaction that writes as the leader: LostLease unless `fence` still holds; then it holds until the end."""
    if (await session.execute(_CHECK, {"name": LEASE, "fence": fence})).first() is None:
        raise LostLease(f"This scheduler does not lead any more: its fence {fence} is over.")


def scheduler_name() -> str:
    """Under supervisord the same after a restart, which takes the lease of its dead incarnation back at once."""
    return process_name("scheduler")


class Leadership:
    """One scheduler's part in it; `tick` asks and tells, `fence` is what it came to."""

    def __init__(
        self,
        database: Database,
        *,
        holder: str,
        ttl_seconds: float,
        name: str = LEASE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._identity = {"name": name, "holder": holder, "ttl": ttl_seconds}
        self._ttl = ttl_seconds
        self._monotonic = monotonic
        self._fence: int | None = None
        self._over_at = self._renew_at = 0.0
        # Once we have led, another process of our name is no dead incarnation: they would take turns for ever.
        self._adopts = True
        self._one_at_a_time = asyncio.Lock()

    @property
    def fence(self) -> int | None:
        """Of the lease that we hold; None as soon as it may be over, whether or not the database can be asked."""
        return self._fence if self.remaining_seconds > 0 else None

    @property
    def remaining_seconds(self) -> float:
        """How long we lead even if nothing more is heard from the database."""
        return self._over_at - self._monotonic() if self._fence is not None else 0.0

    async def tick(self) -> bool:
        """Acquire, renew or look; whether we lead. DatabaseUnavailable when the database does not answer in time."""
        async with self._one_at_a_time, answer_within(max(self._ttl / RENEWALS, SHORTEST_PATIENCE_SECONDS)):
            if (fence := self.fence) is None:
                await self._acquire()
            else:
                await self._keep(fence)
        return self.fence is not None

    async def _acquire(self) -> None:
        self._fence, sent = None, self._monotonic()
        if rows := await self._database.run(_ACQUIRE, {**self._identity, "adopts": self._adopts}):
            self._fence, self._adopts = rows[0].fence, False
            self._count_from(sent)
            log.info("lease.acquired", holder=self._identity["holder"], fence=self._fence)

    async def _keep(self, fence: int) -> None:
        sent = self._monotonic()
        due = sent >= self._renew_at
        if not await self._database.run(_RENEW if due else _LOOK, {**self._identity, "fence": fence}):
            self._fence = None
            log.warning("lease.lost", holder=self._identity["holder"], fence=fence)
        elif due:
            self._count_from(sent)

    def _count_from(self, sent: float) -> None:
        """From before the statement was sent: the database's own count can only begin later, and end later."""
        self._over_at, self._renew_at = sent + self._ttl, sent + self._ttl / RENEWALS

    async def release(self) -> None:
        """Let the next one lead at once. Nothing of ours may still be writing."""
        async with self._one_at_a_time:
            if (fence := self.fence) is not None:
                await self._database.run(_RELEASE, {**self._identity, "fence": fence})
                log.info("lease.released", holder=self._identity["holder"], fence=fence)
            self._fence = None
