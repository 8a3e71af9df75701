"""Snapshots of the whole account, which a test can restore any number of times."""

import io
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.account.clock import ClockState, SandboxClock

# Each is a copy of the whole account; the oldest is dropped when there are more.
MOST_SNAPSHOTS = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pickled attributes of every stateful part, and the state of the clock."""

    attributes: bytes
    clock: ClockState


class Snapshots:
    """`parts` are the objects to save and restore; `shared` are objects that they refer to, which do not change."""

    def __init__(self, parts: Iterable[object], shared: Iterable[object], clock: SandboxClock) -> None:
        self._parts = tuple(parts)
        self._clock = clock
        self._not_copied = (*self._parts, *shared, clock)
        self._taken: dict[str, Snapshot] = {}
        self._number = 0

    def take(self) -> str:
        """The name of the new snapshot. Drops the oldest one when there are too many."""
        while len(self._taken) >= MOST_SNAPSHOTS:
            del self._taken[next(iter(self._taken))]
        self._number += 1
        name = f"snapshot-{self._number}"
        self._taken[name] = Snapshot(self._pickled([vars(part) for part in self._parts]), self._clock.state)
        return name

    def restore(self, name: str) -> bool:
        """False when there is no snapshot of that name."""
        snapshot = self._taken.get(name)
        if snapshot is None:
            return False
        for part, attributes in zip(self._parts, self._loaded(snapshot.attributes), strict=True):
            vars(part).update(attributes)
        self._clock.restore(snapshot.clock)
        return True

    def _pickled(self, attributes: list[dict[str, Any]]) -> bytes:
        """In one piece: what two parts share, a random generator for instance, they share after a restore too."""
        written = io.BytesIO()
        _Pickler(written, self._not_copied).dump(attributes)
        return written.getvalue()

    def _loaded(self, pickled: bytes) -> list[dict[str, Any]]:
        loaded: list[dict[str, Any]] = _Unpickler(io.BytesIO(pickled), self._not_copied).load()
        return loaded


class _Pickler(pickle.Pickler):
    """Pickled attributes take a tenth of the time of a deep copy. Of the objects `known` it writes the positions."""

    def __init__(self, file: io.BytesIO, known: tuple[object, ...]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._positions = {id(known_object): position for position, known_object in enumerate(known)}

    def persistent_id(self, obj: object) -> int | None:
        return self._positions.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: tuple[object, ...]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: int) -> object:
        return self._known[pid]
