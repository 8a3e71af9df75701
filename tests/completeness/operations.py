"""What may happen to an account and to the schedulers that sync it: a program is a list of such operations."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.completeness.flights import Kill

SETTLE_SECONDS = 60
OVERLAP_SECONDS = 5
HOLD_ABOVE = 5
# Milliseconds: none, within the overlap, beyond it, nearly the settle bound.
LAGS = ((0, 0), (0, 3_000), (2_000, 9_000), (0, 55_000))
# Lags that the tail's overlap covers.
TAIL_LAGS = ((0, 3_000), (2_000, 5_000))

SEARCH, LIST, BATCH, ONE, ANY = r"/0-3/search", r"/0-3\?", r"/0-3/batch/read", r"/0-3/\d+\?", ""
PAGE_FAULTS = (
    "duplicate_page", "short_page", "repeated_cursor", "empty_page", "out_of_order", "small_total", "zero_total",
    "missing_next", "false_end",
)  # fmt: skip
# Of a search only: a list has no total.
SEARCH_FAULTS = frozenset({"small_total", "zero_total"})
REFUSALS = (
    "unauthorized", "missing_scope", "not_found", "uri_too_long", "locked", "burst_limit", "search_limit",
    "daily_limit", "moved", "server_error", "bad_gateway_html", "unavailable", "gateway_timeout", "web_server_down",
    "timeout_524", "validation_refused",
)  # fmt: skip
BROKEN = (
    "hang", "reset", "wrong_content_type", "empty_body", "cut_json", "truncated_json", "slow_drip", "write_then_cut",
)  # fmt: skip
FAULTS = (*PAGE_FAULTS, *REFUSALS, *BROKEN)
# An answer to another request, as from a faulty cache, or the answer of an account without deals: only the next
# reconcile can tell it from the truth.
UNDETECTABLE = frozenset({"duplicate_page", "false_end"})

CHANGES = (
    "create", "edit", "touch", "mass_edit", "mass_touch", "pipeline_edit", "archive", "restore", "merge",
    "merge_into_first", "purge", "purge_archived",
)  # fmt: skip
# After one of these a search alone cannot find everything.
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
    """A job: perhaps killed, perhaps held at an answer until later, perhaps with a change after an answer."""

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
    """Held jobs continue, with the answer that they received then."""


@dataclass(frozen=True)
class TakeOver:
    """Another scheduler leads; the jobs of the last one continue or stay held, under a stale fence."""


@dataclass(frozen=True)
class Work:
    """Workers complete some runs."""

    count: int


Operation = Change | Lag | Wait | Fault | Run | Release | TakeOver | Work
Program = Sequence[Operation]
