"""Keeps the lease of a run that is under way, and notices when the run is lost or is to end."""

import asyncio
import time

import structlog

from core.database import Database
from core.errors import DatabaseUnavailable
from core.unavailable import answer_within
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.statements import Statements

log = structlog.get_logger()

# How long somebody who cancels a run waits at most for its stage to end.
LOOK_SECONDS = 1.0
# A timer may end so much early.
TIMER_SECONDS = 0.01


async def keep(database: Database, lease: Lease, statements: Statements, *, lease_seconds: float) -> None:
    """Renew each third of the lease, look each second; until LeaseLost or CancelRequested is raised.

    The link may fall silent: a statement is given up after a third of the lease rather than after the connection's own
    15 s, and a run whose lease has expired meanwhile is lost, for another worker may have it by now.
    """
    renewal = lease_seconds / 3
    pause = min(LOOK_SECONDS, renewal)
    renewed_at = time.monotonic()
    while True:
        await asyncio.sleep(pause)
        # From before the statement is sent: the database's own count begins later. Half a look early: a sleep that was
        # a little long must not put the renewal off to the next one.
        now = time.monotonic()
        is_due = now - renewed_at > renewal - pause / 2
        left = renewed_at + lease_seconds - now
        try:
            async with answer_within(min(renewal, left) if left > 0 else renewal):
                if is_due and await _renewed(database, lease, statements, lease_seconds):
                    renewed_at = now
                elif not is_due:
                    await statements.look(database, lease)
        except DatabaseUnavailable as error:
            # The next one may succeed, as long as the lease lasts.
            log.warning("run.lease_not_renewed", error=str(error))
            if time.monotonic() > renewed_at + lease_seconds - TIMER_SECONDS:
                raise LeaseLost(f"Run {lease.run_id} could not be kept: its lease has expired") from error


async def _renewed(database: Database, lease: Lease, statements: Statements, lease_seconds: float) -> bool:
    """Whether it could be; a disk that is full refuses that, and shows all the same that nobody else has the run."""
    try:
        await statements.renew(database, lease, lease_seconds=lease_seconds)
    except DatabaseUnavailable as error:
        await statements.look(database, lease)
        log.warning("run.lease_not_renewed", error=str(error))
        return False
    return True
