"""The journal of requests: every request, the concurrency, and the peaks of requests in a window of time."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from sandbox.account.timestamps import iso, milliseconds
from sandbox.http.rate_limits import Policy

# Older entries are dropped; numbering continues.
MOST_ENTRIES = 100_000
WINDOWS = (1, 10)
# The status of a request without a response.
NO_ANSWER = 0


@dataclass(slots=True)
class Exchange:
    """One request in progress: what its endpoint records for the middleware around the routes."""

    count: Callable[[Policy], None]
    policy: Policy | None = None
    status: int = NO_ANSWER

    def set_policy(self, policy: Policy) -> None:
        """Called once, as soon as the route is known."""
        self.policy = policy
        self.count(policy)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    number: int
    at: str
    method: str
    path: str
    status: int
    policy: str | None


class PeakRate:
    """The most events in any window of that many seconds."""

    def __init__(self, seconds: float) -> None:
        self.most = 0
        self._seconds = seconds
        self._times: deque[float] = deque()

    def count(self, at: float) -> None:
        if self._times and self._times[-1] > at:
            # The clock was restored from a snapshot: no window holds both events.
            self._times.clear()
        self._times.append(at)
        while self._times[0] <= at - self._seconds:
            self._times.popleft()
        self.most = max(self.most, len(self._times))


class Journal:
    """Requests are numbered in the order in which they end. Times are those of the sandbox's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[JournalEntry] = deque(maxlen=MOST_ENTRIES)
        self._number = 0
        self._in_progress = 0
        self._most_concurrent = 0
        self._statuses: Counter[int] = Counter()
        self._peaks = {(policy, seconds): PeakRate(seconds) for policy in Policy for seconds in WINDOWS}

    @contextmanager
    def request(self, method: str, path: str) -> Iterator[Exchange]:
        """Recorded at the end of the block, also after an exception."""
        exchange = Exchange(self._count)
        at = iso(milliseconds(self._clock.now()))
        self._in_progress += 1
        self._most_concurrent = max(self._most_concurrent, self._in_progress)
        try:
            yield exchange
        finally:
            self._in_progress -= 1
            self._number += 1
            self._statuses[exchange.status] += 1
            policy = exchange.policy.value if exchange.policy else None
            self._entries.append(JournalEntry(self._number, at, method, path, exchange.status, policy))

    def since(self, number: int) -> list[JournalEntry]:
        """Entries with a higher number, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def stats(self) -> Mapping[str, Any]:
        errors = sum(count for status, count in self._statuses.items() if status >= 400 or status == NO_ANSWER)
        return {
            "requests": self._number,
            "errors": errors,
            "errorShare": errors / self._number if self._number else 0.0,
            "mostConcurrent": self._most_concurrent,
            "mostInWindow": {
                policy.value: {f"{seconds}s": self._peaks[policy, seconds].most for seconds in WINDOWS}
                for policy in Policy
            },
        }

    def _count(self, policy: Policy) -> None:
        for seconds in WINDOWS:
            self._peaks[policy, seconds].count(self._clock.monotonic())
