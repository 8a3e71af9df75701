"""Crashes, rescues, operations and changes in any order, some concurrent: the rows never contradict each other.

A program is random, and the same for the same number. A failing program is reported in its shortest form.
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

# Events that happen concurrently; and such groups one after another.
EventGroup = Sequence[Event]
Program = Sequence[EventGroup]

PARTS, EXAMPLES = 2, 50
SOAK_PARTS, SOAK_EXAMPLES = 10, 500
# The soak runs other programs.
SOAK_FROM = 10_000
GROUPS = range(15, 40)
# How many events happen concurrently.
CONCURRENT = (1, 1, 1, 2, 3)
# Sequences that are too rare by chance: groups of actions, each with its `how`, all on the same deal.
SCENARIOS = (
    ((("claim", 3),), (("cancel", 1),), (("notice", 0),), (("undo cancel", 1),), (("advance", 0),)),
    ((("claim", 0),), (("cancel", 1),), (("advance", 0),), (("undo cancel", 0),)),
    ((("claim", 3),), (("cancel", 1),), (("expire", 1),), (("take over", 3),)),
    ((("claim", 3),), (("interrupt", 0),), (("claim", 0),), (("cancel", 1),), (("reap", 5),)),
    ((("two crashes", 0),), (("claim", 3),), (("claim", 3),), (("claim", 3),)),
    ((("claim", 3),), (("finish", 0),), (("retry", 0),), (("bulk", 3),), (("bulk work", 5),), (("raise overdue", 0),)),
    ((("claim", 3),), (("reap", 5),), (("notice", 0),), (("claim", 3),), (("late write", 0),)),
    ((("claim", 3),), (("fail", 1),), (("due", 0),), (("claim", 3),), (("drain", 0),)),
    (
        (("claim", 3),),
        (("refused", 0),),
        (("probe access", 0),),
        (("claim", 3),),
        (("refused", 0),),
        (("access granted", 0),),
        (("claim", 3),),
    ),
    ((("claim", 3),), (("refused", 1),), (("cancel", 0), ("access granted", 1), ("probe access", 0))),
    ((("pause", 0),), (("pause", 0),), (("claim", 0),), (("resume", 0),)),
    ((("claim", 3),), (("process now", 0),), (("skip", 0),), (("retry whole", 5),), (("process now", 5),)),
    ((("bulk", 4),), (("retry at a stage", 3),), (("retry at a stage", 2),), (("cancel bulk", 0),)),
    ((("cancel", 0),), (("retry whole", 0), ("process now", 0), ("undo cancel", 0))),
    ((("purge", 0),), (("restore", 0), ("retry whole", 0), ("process now", 2))),
)
REQUIRED_EVENTS = (
    *(name for name in ACTIONS if name != "new deal"),
    *REFUSALS,
    "begin",
    "nothing to claim",
    "postpone",
    "write refused",
    "cancel noticed",
    "loss noticed",
    "cancelled before its stage",
    "cancelled in its stage",
    "requeued after the cancel was undone",
    "bulk work killed",
    "new deal held",
    "concurrent",
)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=1)
    async with made.open_async():
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_no_order_of_events_makes_the_rows_contradict_each_other(part: int, database: Database, app: App) -> None:
    """One active run per deal, a status that matches its steps, numbers that only grow; in the end nothing is stuck."""
    await _assert_holds(range(part * EXAMPLES, (part + 1) * EXAMPLES), database, app)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAK_PARTS))
async def test_in_five_thousand_programs_the_rows_never_contradict_each_other(
    part: int, database: Database, app: App
) -> None:
    """The same for ten times as many programs in each of ten parts."""
    first = SOAK_FROM + part * SOAK_EXAMPLES
    await _assert_holds(range(first, first + SOAK_EXAMPLES), database, app)


async def _assert_holds(numbers: Iterable[int], database: Database, app: App) -> None:
    counts: Counter[str] = Counter()
    for number in numbers:
        program = _program(Random(number))
        if await _failure(Interleaving(database, app, counts), program):
            shortest = await _shortened(program, database, app)
            failure = await _failure(Interleaving(database, app, Counter()), shortest)
            pytest.fail(f"Program {number}, shortened: {shortest}: {failure or 'it does not fail again'}")
    _assert_all_happened(counts)


def _program(draw: Random) -> Program:
    return [group for _ in range(draw.choice(GROUPS)) for group in _groups(draw)]


def _groups(draw: Random) -> Program:
    if draw.random() < 0.1:
        number = draw.randrange(3)
        return [[(action, number, 0, how) for action, how in group] for group in draw.choice(SCENARIOS)]
    return [[_event(draw) for _ in range(draw.choice(CONCURRENT))]]


def _event(draw: Random) -> Event:
    return draw.choice(LIKELY), draw.randrange(3), draw.randrange(4), draw.randrange(6)


async def _failure(interleaving: Interleaving, program: Program) -> str:
    """What went wrong; empty if nothing did."""
    try:
        await interleaving.begin()
        for group in program:
            await interleaving.play(group)
        await interleaving.finish()
    except Exception as error:  # noqa: BLE001 - a deadlock or an error in this test fails a program like a contradiction
        return f"{type(error).__name__}: {error}"
    return ""


async def _shortened(program: Program, database: Database, app: App) -> Program:
    """Without the groups that the failure does not need: first halves are left out, then smaller parts."""
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


def _assert_all_happened(counts: Counter[str]) -> None:
    """Otherwise the programs would prove nothing."""
    print("", *(f"{counts[name]:7}  {name}" for name in sorted(counts)), sep="\n")
    assert [name for name in REQUIRED_EVENTS if not counts[name]] == []
