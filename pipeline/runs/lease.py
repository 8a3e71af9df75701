"""The lease of a run: the only proof that a worker may write to it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import DealQueueError
from models.conditions import QUARANTINE_CRASHES


class LeaseLost(DealQueueError):
    """Another worker has claimed the run, or the reaper has requeued it: this worker may write nothing more to it."""


class CancelRequested(DealQueueError):
    """The run is to be cancelled while a worker processes it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one run until another worker claims it: its `epoch` has moved then."""

    run_id: int
    deal_id: int
    hubspot_deal_id: str
    epoch: int
    priority: int
    stages: tuple[str, ...]
    crashes: int = 0
    # What the run waited for when it was claimed, if HubSpot had refused its last attempt.
    waited_for: str | None = None
    # By this process's monotonic clock, from before the claim was sent: the database's own count begins later.
    claimed_at: float = field(default_factory=time.monotonic)
    # The first position that is not finished, and the stored outputs of those before it by stage key.
    position: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_suspected(self) -> bool:
        """Whether the run may kill its worker."""
        return self.crashes >= QUARANTINE_CRASHES
