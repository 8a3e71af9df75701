"""What may happen to an account and to the schedulers that sync it: a program is a list of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.completeness.flights import Kill

SETTLE_SECONDS = 60
OVERLAP_SECONDS = 5
HOLD_ABOVE = 5
# Milliseconds: none, within the overlap, beyond it, nearly the settle bound.
LAGS = ((0, 0), (0, 3_000), (2_000, 9_000), (0, 55_000))

SEARCH, LIST, BATCH, ONE, ANY = r"/0-3/search", r"/0-3\?", r"/0-3/batch/read", r"/0-3/\d+\?", ""
PAGE_FAULTS = ("duplicate_page", "short_page", "repeated_cursor", "empty_page", "out_of_order")
REFUSALS = (
    "unauthorized", "missing_scope", "not_found", "uri_too_long", "locked", "burst_limit", "search_limit",
    "daily_limit", "moved", "server_error", "bad_gateway_html", "unavailable", "gateway_timeout", "web_server_down",
    "timeout_524", "validation_refused",
)  # fmt: skip
BROKEN = (
    "hang", "reset", "wrong_content_type", "empty_body", "cut_json", "truncated_json", "slow_drip", "write_then_cut",
)  # fmt: skip
FAULTS = (*PAGE_FAULTS, *REFUSALS, *BROKEN)

CHANGES = (
    "create", "edit", "touch", "mass_edit", "mass_touch", "pipeline_edit", "archive", "restore", "merge",
    "merge_into_first", "purge", "purge_archived",
)  # fmt: skip
# After one of these a search alone cannot know everything.
DEPARTURES = frozenset({"archive", "restore", "merge", "merge_into_first", "purge", "purge_archived"})
QUIET_CHANGES = tuple(name for name in CHANGES if name not in DEPARTURES)
SYNCS = ("tail", "settle", "backfill", "archive", "reconcile")


@dataclass(frozen=True)
class Change:
    what: str
    count: int


@dataclass(frozen=True)
class Lag:
    milliseconds: tuple[int, int]


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Fault:
    kind: str
    path: str
    skip: int
    times: int


@dataclass(frozen=True)
class Start:
    """A job: perhaps killed, perhaps held up at an answer until later, perhaps with a change beside an answer."""

    job: str
    kill: Kill | None = None
    hold_at: int | None = None
    beside: tuple[int, Change] | None = None


@dataclass(frozen=True)
class Run:
    """These jobs, at the same time."""

    starts: tuple[Start, ...]


@dataclass(frozen=True)
class Release:
    """What is held up goes on, with what it was told then."""


@dataclass(frozen=True)
class TakeOver:
    """Another scheduler leads; what the last one has under way goes on, or stays held up, and is stale."""


@dataclass(frozen=True)
class Work:
    """Workers bring some runs to their end."""

    count: int


Operation = Change | Lag | Wait | Fault | Run | Release | TakeOver | Work
Program = Sequence[Operation]


class Chance:
    """Makes programs: the same for the same number, each with faults of other kinds than the one before."""

    def __init__(self, number: int, changes: Sequence[str] = CHANGES) -> None:
        self._random = Random(number)
        self._changes = changes
        self._kinds = [FAULTS[(3 * number + turn) % len(FAULTS)] for turn in range(3)]

    def program(self) -> list[Operation]:
        """Half of them begin with an account that is known already; each meets three faults or more."""
        known = [Run((Start("backfill"),)), Run((Start("tail"),))] if self._random.random() < 0.5 else []
        middle = [self._operation() for _ in range(self._random.randint(12, 24))]
        for kind in self._kinds:
            middle.insert(self._random.randrange(len(middle)), self._fault(kind))
        return [*known, *middle]

    def _operation(self) -> Operation:
        chosen = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        draw = self._random
        match chosen:
            case "change":
                return self._change()
            case "run":
                return Run(tuple(self._start() for _ in range(draw.choice((1, 1, 2, 3)))))
            case "fault":
                return self._fault(draw.choice(FAULTS))
            case "lag":
                return Lag(draw.choice(LAGS))
            case "wait":
                return Wait(draw.choice((0.4, 2.0, 7.0, 30.0, 100.0)))
            case "take over":
                return TakeOver()
            case "work":
                return Work(draw.randint(1, 4))
        return Release()

    def _change(self) -> Change:
        return Change(self._random.choice(self._changes), self._random.randint(1, 3))

    def _fault(self, kind: str) -> Fault:
        paths = (SEARCH, LIST, BATCH) if kind in PAGE_FAULTS else (SEARCH, LIST, BATCH, ONE, ANY)
        weights = (4, 4, 2, 2, 3)[: len(paths)]
        path = self._random.choices(paths, weights)[0]
        return Fault(kind, path, self._random.randint(0, 3), self._random.randint(1, 4))

    def _start(self) -> Start:
        draw = self._random
        return Start(
            draw.choice((*SYNCS, *SYNCS, "tail", "settle", "rerun")),
            kill=Kill(draw.randint(1, 60), draw.randint(0, 3), draw.random() < 0.5) if draw.random() < 0.3 else None,
            hold_at=draw.randint(1, 6) if draw.random() < 0.25 else None,
            beside=(draw.randint(1, 6), self._change()) if draw.random() < 0.35 else None,
        )


_WEIGHTS = {
    "change": 8, "run": 12, "fault": 3, "lag": 2, "wait": 4, "release": 1, "take over": 2, "work": 1,
}  # fmt: skip
