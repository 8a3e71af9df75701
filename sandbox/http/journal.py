"""What was asked of HubSpot: every request, how many at once, how many in a window of time."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from sandbox.account.records import iso, milliseconds
from sandbox.faults.plan import Fault
from sandbox.http.rate_limits import Policy

# Older ones are forgotten; their numbers go on counting.
MOST_ENTRIES = 100_000
WINDOWS = (1, 10)
# The status of a request that got no answer.
NO_ANSWER = 0


@dataclass(slots=True)
class Exchange:
    """One request under way: what the route makes of it, for whoever stands around the route."""

    count: Callable[[Policy], None]
    policy: Policy | None = None
    fault: Fault | None = None
    status: int = NO_ANSWER

    def falls_under(self, policy: Policy) -> None:
        """Called once, as soon as it is known."""
        self.policy = policy
        self.count(policy)


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    at: str
    method: str
    path: str
    status: int
    policy: str | None


class Peak:
    """The most events that any window of that many seconds has held."""

    def __init__(self, seconds: float) -> None:
        self.most = 0
        self._seconds = seconds
        self._times: deque[float] = deque()

    def count(self, at: float) -> None:
        if self._times and self._times[-1] > at:
            # The clock was put back to a snapshot: no window holds both.
            self._times.clear()
        self._times.append(at)
        while self._times[0] <= at - self._seconds:
            self._times.popleft()
        self.most = max(self.most, len(self._times))


class Journal:
    """Requests are numbered in the order in which they are over. Times are the sandbox's clock's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self._number = 0
        self._under_way = 0
        self._most_at_once = 0
        self._statuses: Counter[int] = Counter()
        self._peaks = {(policy, seconds): Peak(seconds) for policy in Policy for seconds in WINDOWS}

    @contextmanager
    def request(self, method: str, path: str) -> Iterator[Exchange]:
        """Recorded when the block is left, however it is."""
        exchange = Exchange(self._count)
        at = iso(milliseconds(self._clock.now()))
        self._under_way += 1
        self._most_at_once = max(self._most_at_once, self._under_way)
        try:
            yield exchange
        finally:
            self._under_way -= 1
            self._record(exchange, at, method, path)

    def since(self, number: int) -> list[Entry]:
        """Those with a higher number, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def stats(self) -> Mapping[str, Any]:
        errors = sum(count for status, count in self._statuses.items() if status >= 400 or status == NO_ANSWER)
        return {
            "requests": self._number,
            "errors": errors,
            "errorShare": errors / self._number if self._number else 0.0,
            "mostConcurrent": self._most_at_once,
            "mostInWindow": {
                policy.value: {f"{seconds}s": self._peaks[policy, seconds].most for seconds in WINDOWS}
                for policy in Policy
            },
        }

    def _count(self, policy: Policy) -> None:
        for seconds in WINDOWS:
            self._peaks[policy, seconds].count(self._clock.monotonic())

    def _record(self, exchange: Exchange, at: str, method: str, path: str) -> None:
        self._number += 1
        self._statuses[exchange.status] += 1
        policy = exchange.policy.value if exchange.policy else None
        self._entries.append(Entry(self._number, at, method, path, exchange.status, policy))
