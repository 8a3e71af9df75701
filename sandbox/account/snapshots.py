"""The whole world put aside, to be put back later as often as a test wants."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.account.clock import ClockState, SandboxClock

# Each is a copy of everything; whoever makes more has forgotten them.
MOST_SNAPSHOTS = 20


Attributes = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The attributes of every part, and the clock's state."""

    attributes: Attributes
    clock: ClockState


class Snapshots:
    """`parts` are the objects whose state it is; `shared` are those that they know but that are not put back."""

    def __init__(self, parts: Iterable[object], shared: Iterable[object], clock: SandboxClock) -> None:
        self._parts = tuple(parts)
        self._clock = clock
        # To a copy, each of these is itself.
        self._kept = {id(thing): thing for thing in (*self._parts, *shared, clock)}
        self._taken: dict[str, Snapshot] = {}
        self._number = 0

    def take(self) -> str:
        """The name of the new snapshot; the oldest makes room when there are too many."""
        while len(self._taken) >= MOST_SNAPSHOTS:
            del self._taken[next(iter(self._taken))]
        self._number += 1
        name = f"snapshot-{self._number}"
        self._taken[name] = Snapshot(self._copy([vars(part) for part in self._parts]), self._clock.state)
        return name

    def restore(self, name: str) -> bool:
        """False when there is none of that name. It can be restored again."""
        snapshot = self._taken.get(name)
        if snapshot is None:
            return False
        for part, attributes in zip(self._parts, self._copy(snapshot.attributes), strict=True):
            vars(part).update(attributes)
        self._clock.put_back(snapshot.clock)
        return True

    def _copy(self, attributes: Attributes) -> Attributes:
        """In one go: what two parts share, a generator of chance for instance, they share in the copy too."""
        return copy.deepcopy(attributes, dict(self._kept))
