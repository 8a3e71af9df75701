"""What came of one sync, for the person who has requested it.

Its row in sync_runs does not say so: equal polls and equal failures share the row of an earlier sync.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from models import SyncKind, SyncOutcome
from scheduler.sync.sync_runs import SyncCounts

# In the order of the summary.
SUMMARY_COUNTS = ("seen", "new", "changed", "archived", "merged", "rejected", "held", "backdated")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """`error` is a sentence; None when the sync is DONE."""

    kind: SyncKind
    outcome: SyncOutcome
    seconds: float = 0.0
    counts: SyncCounts = field(default_factory=SyncCounts)
    error: str | None = None

    def sentences(self) -> list[str]:
        counted = asdict(self.counts)
        counts = ", ".join(f"{counted[name]} {name}" for name in SUMMARY_COUNTS if counted[name])
        ended = f"{self.kind.capitalize()} {self.outcome.lower()} in {self.seconds:.1f} s"
        if self.outcome is SyncOutcome.DONE:
            return [f"{ended}: {counts or 'no changes'}."]
        return [f"{ended}{f': {counts}' if counts else ''}.", self.error or "It has no error."]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Of the release that stored it: counts that this one does not have are left out."""
        known = {name: stored["counts"].get(name, 0) for name in asdict(SyncCounts())}
        return cls(
            kind=SyncKind(stored["kind"]),
            outcome=SyncOutcome(stored["outcome"]),
            seconds=stored["seconds"],
            counts=SyncCounts(**known),
            error=stored["error"],
        )
