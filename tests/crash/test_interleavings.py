"""Any order of crashes, rescues, operations and changes, some of them at once: the rows never contradict each other.

Programs by chance, the same for the same number; one that fails is told without what its failure does not need.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from random import Random

import pytest
from procrastinate import App

from core.database import Database
from pipeline.queue import make_app
from tests.crash.interleaving import ACTIONS, LIKELY, Event, Interleaving
from tests.crash.operators import REFUSALS

# What happens at once, and one after another.
Moment = Sequence[Event]
Program = Sequence[Moment]

PARTS, EXAMPLES = 2, 50
SOAK_PARTS, SOAK_EXAMPLES = 10, 500
# Programs of the soak are other ones.
SOAK_FROM = 10_000
MOMENTS = range(15, 40)
# How many things happen at once.
AT_ONCE = (1, 1, 1, 2, 3)
# What chance alone brings together too seldom: moments, each of actions with their ways, to one and the same deal.
STORIES = (
    ((("claim", 3),), (("cancel", 1),), (("notice", 0),), (("undo cancel", 1),), (("advance", 0),)),
    ((("claim", 0),), (("cancel", 1),), (("advance", 0),), (("undo cancel", 0),)),
    ((("claim", 3),), (("cancel", 1),), (("expire", 1),), (("take over", 3),)),
    ((("claim", 3),), (("interrupt", 0),), (("claim", 0),), (("cancel", 1),), (("reap", 5),)),
    ((("two deaths", 0),), (("claim", 3),), (("claim", 3),), (("claim", 3),)),
    ((("claim", 3),), (("finish", 0),), (("retry", 0),), (("bulk", 3),), (("bulk work", 5),), (("raise overdue", 0),)),
    ((("claim", 3),), (("reap", 5),), (("notice", 0),), (("claim", 3),), (("late", 0),)),
    ((("claim", 3),), (("fail", 1),), (("due", 0),), (("claim", 3),), (("give back", 0),)),
    ((("pause", 0),), (("pause", 0),), (("claim", 0),), (("resume", 0),)),
    ((("claim", 3),), (("process now", 0),), (("skip", 0),), (("retry whole", 5),), (("process now", 5),)),
    ((("bulk", 4),), (("retry at a stage", 3),), (("retry at a stage", 2),), (("cancel bulk", 0),)),
    ((("cancel", 0),), (("retry whole", 0), ("process now", 0), ("undo cancel", 0))),
    ((("purge", 0),), (("take back", 0), ("retry whole", 0), ("process now", 2))),
)
MUST_HAVE_HAPPENED = (
    *(name for name in ACTIONS if name != "arrive"),
    *REFUSALS,
    "begin",
    "nothing to claim",
    "postpone",
    "write refused",
    "cancel noticed",
    "loss noticed",
    "cancelled before its stage",
    "cancelled in its stage",
    "gone on though it had stopped",
    "bulk work killed",
    "arrive held",
    "at once",
)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=1)
    async with made.open_async():
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_no_order_of_events_makes_the_rows_contradict_each_other(part: int, database: Database, app: App) -> None:
    """One active run a deal, a status that fits its steps, numbers that only grow; and in the end nothing is stuck."""
    await _it_holds(range(part * EXAMPLES, (part + 1) * EXAMPLES), database, app)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAK_PARTS))
async def test_in_five_thousand_programs_the_rows_never_contradict_each_other(
    part: int, database: Database, app: App
) -> None:
    """The same for ten times as many programs in each of ten parts."""
    first = SOAK_FROM + part * SOAK_EXAMPLES
    await _it_holds(range(first, first + SOAK_EXAMPLES), database, app)


async def _it_holds(numbers: Iterable[int], database: Database, app: App) -> None:
    counts: Counter[str] = Counter()
    for number in numbers:
        program = _program(Random(number))
        if await _failure(Interleaving(database, app, counts), program):
            shortest = await _shortened(program, database, app)
            told = await _failure(Interleaving(database, app, Counter()), shortest)
            pytest.fail(f"Program {number}, shortened: {shortest}: {told or 'not when it is played again'}")
    _it_all_happened(counts)


def _program(draw: Random) -> Program:
    return [moment for _ in range(draw.choice(MOMENTS)) for moment in _moments(draw)]


def _moments(draw: Random) -> Program:
    if draw.random() < 0.1:
        number = draw.randrange(3)
        return [[(action, number, 0, how) for action, how in moment] for moment in draw.choice(STORIES)]
    return [[_event(draw) for _ in range(draw.choice(AT_ONCE))]]


def _event(draw: Random) -> Event:
    return draw.choice(LIKELY), draw.randrange(3), draw.randrange(4), draw.randrange(6)


async def _failure(interleaving: Interleaving, program: Program) -> str:
    """What was wrong, empty when nothing was."""
    try:
        await interleaving.begin()
        for moment in program:
            await interleaving.play(moment)
        await interleaving.finish()
    except Exception as error:  # noqa: BLE001 - a deadlock or a mistake of ours fails a program like a contradiction
        return f"{type(error).__name__}: {error}"
    return ""


async def _shortened(program: Program, database: Database, app: App) -> Program:
    """Without the moments that it fails without: first by halves, then one by one."""
    size = len(program) // 2
    while size:
        start = 0
        while start < len(program):
            shorter = [*program[:start], *program[start + size :]]
            if await _failure(Interleaving(database, app, Counter()), shorter):
                program = shorter
            else:
                start += size
        size //= 2
    return program


def _it_all_happened(counts: Counter[str]) -> None:
    """Otherwise it would prove nothing."""
    print("", *(f"{counts[name]:7}  {name}" for name in sorted(counts)), sep="\n")
    assert [name for name in MUST_HAVE_HAPPENED if not counts[name]] == []
