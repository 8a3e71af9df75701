"""Renews the lease of a run while its stages run, and detects a lost lease and a cancel request."""

import asyncio
import time

import structlog

from core.errors import DatabaseUnavailable
from core.unavailable import answer_within
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.store import RunStore

log = structlog.get_logger()

# A stage is stopped within this time after its run's cancellation was requested.
CHECK_SECONDS = 1.0
# A timer may fire early by this much.
TIMER_SECONDS = 0.01


async def keep_lease(runs: RunStore, lease: Lease) -> None:
    """Renew after each third of the lease, and check every second, until LeaseLost or CancelRequested is raised.

    On a silent network a statement is abandoned after a third of the lease rather than after the connection's own 15 s.
    A run whose lease has expired meanwhile is lost, because another worker may have claimed it.
    """
    renewal = runs.lease_seconds / 3
    pause = min(CHECK_SECONDS, renewal)
    renewed_at = lease.claimed_at
    while True:
        await asyncio.sleep(pause)
        # Measured before the statement is sent: the database counts from a later moment. A renewal is due half a pause
        # early, so that a sleep that took a little longer does not delay it to the next pause.
        now = time.monotonic()
        is_due = now - renewed_at > renewal - pause / 2
        left = renewed_at + runs.lease_seconds - now
        try:
            async with answer_within(min(renewal, left) if left > 0 else renewal):
                if is_due and await _renewed(runs, lease):
                    renewed_at = now
                elif not is_due:
                    await runs.check(lease)
        except DatabaseUnavailable as error:
            # The next statement may succeed before the lease expires.
            log.warning("run.lease_not_renewed", error=str(error))
            if time.monotonic() > renewed_at + runs.lease_seconds - TIMER_SECONDS:
                raise LeaseLost(f"The lease of run {lease.run_id} has expired: it could not be renewed") from error


async def _renewed(runs: RunStore, lease: Lease) -> bool:
    """Whether the lease was renewed. On a full disk it cannot be, but a check can still show that it is ours."""
    try:
        await runs.renew(lease)
    except DatabaseUnavailable as error:
        await runs.check(lease)
        log.warning("run.lease_not_renewed", error=str(error))
        return False
    return True
