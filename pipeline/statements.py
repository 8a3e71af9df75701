"""The statements by which a runner writes, as one argument: a test hands in others at the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.database import Database
from pipeline.runs.lease import Lease, claim, look, renew
from pipeline.runs.rescue import postpone
from pipeline.runs.transition import Moved, move, set_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Each with the signature, the errors and the fence of the function that is its default."""

    claim: Callable[..., Awaitable[Lease | None]] = claim
    move: Callable[..., Awaitable[Moved]] = move
    set_job: Callable[..., Awaitable[None]] = set_job
    renew: Callable[..., Awaitable[None]] = renew
    look: Callable[[Database, Lease], Awaitable[Any]] = look
    postpone: Callable[..., Awaitable[bool]] = postpone
