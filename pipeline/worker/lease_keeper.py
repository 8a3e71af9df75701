"""Keeps the lease of a run while its stages run, and notices when the run is lost or is to be cancelled."""

import asyncio
import time

import structlog

from core.errors import DatabaseUnavailable
from core.unavailable import answer_within
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.store import RunStore

log = structlog.get_logger()

# How long a stage runs on at most after its run's cancellation was requested.
CHECK_SECONDS = 1.0
# A timer may end this much early.
TIMER_SECONDS = 0.01


async def keep(runs: RunStore, lease: Lease) -> None:
    """Renew each third of the lease, check each second; until LeaseLost or CancelRequested is raised.

    The network may fall silent: a statement is abandoned after a third of the lease rather than after the connection's
    own 15 s, and a run whose lease has expired meanwhile is lost, for another worker may have it by now.
    """
    renewal = runs.lease_seconds / 3
    pause = min(CHECK_SECONDS, renewal)
    renewed_at = lease.claimed_at
    while True:
        await asyncio.sleep(pause)
        # From before the statement is sent: the database's own count begins later. Half a check early: a sleep that was
        # a little long must not put the renewal off to the next one.
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
            # The next one may succeed, as long as the lease lasts.
            log.warning("run.lease_not_renewed", error=str(error))
            if time.monotonic() > renewed_at + runs.lease_seconds - TIMER_SECONDS:
                raise LeaseLost(f"Run {lease.run_id} could not be kept: its lease has expired") from error


async def _renewed(runs: RunStore, lease: Lease) -> bool:
    """Whether the lease was renewed. A full disk refuses that, and a check still shows that no other worker has it."""
    try:
        await runs.renew(lease)
    except DatabaseUnavailable as error:
        await runs.check(lease)
        log.warning("run.lease_not_renewed", error=str(error))
        return False
    return True
