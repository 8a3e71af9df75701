"""Random programs: the same one for the same number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.completeness.flights import Kill
from tests.completeness.operations import (
    ANY,
    BATCH,
    CHANGES,
    FAULTS,
    LAGS,
    LIST,
    ONE,
    PAGE_FAULTS,
    QUIET_CHANGES,
    SEARCH,
    SEARCH_FAULTS,
    SYNCS,
    TAIL_LAGS,
    UNDETECTABLE,
    Change,
    Fault,
    Lag,
    Operation,
    Release,
    Run,
    Start,
    TakeOver,
    Wait,
    Work,
)

_WEIGHTS = {
    "change": 7, "find": 4, "run": 10, "fault": 3, "lag": 2, "wait": 4, "release": 1, "take over": 2, "work": 1,
}  # fmt: skip
WAITS = (0.4, 2.0, 7.0, 30.0, 100.0)
KNOWN = (Run((Start("backfill"),)), Run((Start("tail"),)))


@dataclass(frozen=True)
class Style:
    """What programs of one kind consist of; `begins_known` is the share of them that begin with a synced account."""

    changes: Sequence[str] = (*CHANGES, "create", "edit", *["archive"] * 2, "restore", *["purge_archived"] * 2)
    jobs: Sequence[str] = (*SYNCS, *SYNCS, "tail", "settle", "rerun")
    lags: Sequence[tuple[int, int]] = LAGS
    faults: Sequence[str] = FAULTS
    waits: Sequence[float] = WAITS
    begins_known: float = 0.5


EVERYTHING = Style()
# Faults whose answers a scan can tell from the truth, without a reconcile.
DETECTABLE = tuple(kind for kind in FAULTS if kind not in UNDETECTABLE)
# The next two run almost only one kind of sync, so that no other kind repairs what it misses.
BY_SETTLE = Style(
    changes=QUIET_CHANGES,
    jobs=("settle",),
    lags=LAGS[1:],
    faults=(*DETECTABLE, *["short_page", "empty_page", "out_of_order"] * 4),
    waits=(2.0, 30.0, 100.0),
    begins_known=1,
)
BY_TAILS = Style(
    changes=QUIET_CHANGES,
    jobs=("tail",),
    lags=TAIL_LAGS,
    faults=DETECTABLE,
    waits=(0.4, 1.0, 2.0, 3.0, 4.0),
    begins_known=1,
)


class Chance:
    """One random program; consecutive numbers rotate through the kinds of faults."""

    def __init__(self, number: int, style: Style) -> None:
        self._random = Random(number)
        self._style = style
        self._kinds = [style.faults[(3 * number + offset) % len(style.faults)] for offset in range(3)]

    def program(self) -> list[Operation]:
        known = KNOWN if self._random.random() < self._style.begins_known else ()
        middle = [operation for _ in range(self._random.randint(10, 20)) for operation in self._operations()]
        for kind in self._kinds:
            middle.insert(self._random.randrange(len(middle) // 2), self._fault(kind, most_skipped=1))
        return [*known, Lag(self._random.choice(self._style.lags)), *middle]

    def _operations(self) -> list[Operation]:
        draw = self._random
        chosen = draw.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if chosen == "run":
            return [Run(tuple(self._start() for _ in range(draw.choice((1, 1, 2, 3)))))]
        if chosen == "find":
            # Shortly after a change, perhaps before the index shows it.
            wait = Wait(draw.choice(self._style.waits))
            return [self._change(), wait, Run((Start(draw.choice(self._style.jobs)),))]
        if chosen == "take over":
            held = Start(draw.choice(self._style.jobs), hold_at=draw.randint(1, 4))
            return [Run((held,)), TakeOver(), Run((self._start(),))]
        return [self._simple_operations[chosen]()]

    @property
    def _simple_operations(self) -> Mapping[str, Callable[[], Operation]]:
        draw = self._random
        return {
            "change": self._change,
            "fault": lambda: self._fault(draw.choice(self._style.faults), most_skipped=4),
            "lag": lambda: Lag(draw.choice(self._style.lags)),
            "wait": lambda: Wait(draw.choice(self._style.waits)),
            "work": lambda: Work(draw.randint(1, 4)),
            "release": Release,
        }

    def _change(self) -> Change:
        return Change(self._random.choice(self._style.changes), self._random.randint(1, 3))

    def _fault(self, kind: str, *, most_skipped: int) -> Fault:
        paths: tuple[str, ...] = (SEARCH, LIST, BATCH) if kind in PAGE_FAULTS else (SEARCH, LIST, ANY, BATCH, ONE)
        paths = (SEARCH,) if kind in SEARCH_FAULTS else paths
        path = self._random.choices(paths, (5, 5, 2, 1, 1)[: len(paths)])[0]
        return Fault(kind, path, self._random.randint(0, most_skipped), self._random.randint(1, 4))

    def _start(self) -> Start:
        draw = self._random
        return Start(
            draw.choice(self._style.jobs),
            kill=Kill(draw.randint(1, 60), draw.randint(0, 3), draw.random() < 0.5) if draw.random() < 0.3 else None,
            hold_at=draw.randint(1, 6) if draw.random() < 0.25 else None,
            beside=(draw.randint(1, 6), self._change()) if draw.random() < 0.35 else None,
        )
