"""Records are immutable: each write creates a new value, so a reader that holds an older one sees it unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Version:
    """One former or current value of a property."""

    value: str
    at_ms: int
    source: str


History = Mapping[str, tuple[Version, ...]]


@dataclass(frozen=True, slots=True)
class Record:
    """`properties` holds only the properties that have a value. `history` is newest first.

    `merged_into` is the id of the record that this one was merged into.
    """

    id: int
    properties: Mapping[str, str]
    created_ms: int
    modified_ms: int
    history: History
    archived_ms: int | None = None
    merged_into: int | None = None
    purged: bool = False

    @property
    def is_gone(self) -> bool:
        """Merged or permanently deleted: not live, and not to be restored."""
        return self.purged or self.merged_into is not None

    @property
    def is_in_recycle_bin(self) -> bool:
        """A merged one is, if merges put it there."""
        return self.archived_ms is not None and not self.purged

    @property
    def is_live(self) -> bool:
        return self.archived_ms is None and not self.is_gone

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """An immutable value needs no copy, which keeps a snapshot of 100,000 records fast."""
        return self

    def get(self, name: str) -> str | None:
        return self.properties.get(name)
