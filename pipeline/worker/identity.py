"""The identity of a worker: its name and its incarnation. At its start it takes the name over from a dead incarnation.

Only an incarnation that has certainly ended is replaced, and only its runs are requeued: it has stopped as requested,
its process on this machine is gone, or it has sent no heartbeat for so long that its leases have expired.
"""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.errors import ConfigurationError
from core.identity import has_ended, process_name, this_process, unique
from core.settings import Settings
from models.conditions import STALE_HEARTBEAT_SECONDS
from pipeline.runs.naming import NameHolder
from pipeline.runs.store import RunStore

log = structlog.get_logger()

# Between two looks at the heartbeat of a worker of the same name on another machine.
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Identity:
    """`released` is how many runs of the replaced incarnation were requeued."""

    name: str
    incarnation: str
    released: int = 0


async def take_identity(runs: RunStore, settings: Settings) -> Identity:
    """The name of this worker, which no other living worker has.

    A name of WORKER_NAME is waited for until it is certain that no other worker uses it; ConfigurationError if one
    does. Instead of any other name that may be in use, the worker takes a new one, and starts at once.
    """
    name = settings.worker_name or process_name("worker")
    first_seen: datetime | None = None
    while True:
        holder = await runs.holder_of(name)
        gone = _has_ended(holder) if holder else True
        if gone and (identity := await _take(runs, name, holder.incarnation if holder else None)):
            return identity
        if gone or holder is None:  # another worker was faster
            continue
        if settings.worker_name is None:
            name = unique(name)
            continue
        if first_seen is None:
            first_seen = holder.heartbeat_at
            log.warning("worker.waiting_for_its_name", worker=name, silent_seconds=holder.silent_seconds)
        if gone is False or holder.heartbeat_at != first_seen:
            raise ConfigurationError(
                f"WORKER_NAME: another worker named {name} is running, and its last heartbeat was "
                f"{holder.silent_seconds:.0f} s ago; give each worker a name of its own."
            )
        await asyncio.sleep(LOOK_SECONDS)


def _has_ended(holder: NameHolder) -> bool | None:
    """None if it cannot be known yet."""
    if holder.stopped:
        return True
    if (ended := has_ended(holder.process)) is not None:
        return ended
    return True if holder.silent_seconds > STALE_HEARTBEAT_SECONDS else None


async def _take(runs: RunStore, name: str, replaced: str | None) -> Identity | None:
    """None when another worker has taken the name meanwhile.

    The runs come first: if this process dies between the two, its next start finds the same dead incarnation.
    """
    incarnation = uuid.uuid4().hex
    released = 0 if replaced is None else await runs.release(name, replaced)
    taken = await runs.take_name(name, incarnation=incarnation, process=this_process(), replaced=replaced)
    return Identity(name, incarnation, released) if taken else None
