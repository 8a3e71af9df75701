"""Keeps the lease of a run that is under way, and notices when the run is lost or is to end."""

import asyncio
import time

import structlog

from pipeline.outcome import REFUSALS
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore

log = structlog.get_logger()

# How long somebody who cancels a run waits at most for its stage to end.
LOOK_SECONDS = 1.0


async def keep(runs: RunStore, lease: Lease) -> None:
    """Renew each third of the lease, check each second; until LeaseLost or CancelRequested is raised."""
    renewal = runs.lease_seconds / 3
    renewed_at = time.monotonic()
    while True:
        await asyncio.sleep(min(LOOK_SECONDS, renewal))
        try:
            # Half a look early: a sleep that was a little long must not put the renewal off to the next one.
            if time.monotonic() - renewed_at > renewal - min(LOOK_SECONDS, renewal) / 2:
                await runs.renew(lease)
                renewed_at = time.monotonic()
            else:
                await runs.check(lease)
        except REFUSALS as error:
            # The next one may succeed; if none does, the lease runs out and the epoch protects the run.
            log.warning("run.lease_not_renewed", error=str(error))
