"""Snapshots of the whole account, which a test can restore any number of times."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.account.clock import ClockState, SandboxClock

# Each is a copy of the whole account; the oldest is dropped when there are more.
MOST_SNAPSHOTS = 20


Attributes = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The attributes of every stateful part, and the state of the clock."""

    attributes: Attributes
    clock: ClockState


class Snapshots:
    """`parts` are the objects to save and restore; `shared` are objects that they refer to, which do not change."""

    def __init__(self, parts: Iterable[object], shared: Iterable[object], clock: SandboxClock) -> None:
        self._parts = tuple(parts)
        self._clock = clock
        # A deep copy refers to these objects instead of copying them.
        self._not_copied = {id(known): known for known in (*self._parts, *shared, clock)}
        self._taken: dict[str, Snapshot] = {}
        self._number = 0

    def take(self) -> str:
        """The name of the new snapshot. Drops the oldest one when there are too many."""
        while len(self._taken) >= MOST_SNAPSHOTS:
            del self._taken[next(iter(self._taken))]
        self._number += 1
        name = f"snapshot-{self._number}"
        self._taken[name] = Snapshot(self._copy([vars(part) for part in self._parts]), self._clock.state)
        return name

    def restore(self, name: str) -> bool:
        """False when there is no snapshot of that name."""
        snapshot = self._taken.get(name)
        if snapshot is None:
            return False
        for part, attributes in zip(self._parts, self._copy(snapshot.attributes), strict=True):
            vars(part).update(attributes)
        self._clock.restore(snapshot.clock)
        return True

    def _copy(self, attributes: Attributes) -> Attributes:
        """In one copy: what two parts share, a random generator for instance, they share in the copy too."""
        return copy.deepcopy(attributes, dict(self._not_copied))
