"""Deals that are held because too many came at once: let them go, or drop them (docs/decisions/0005).

A storm of 100,000 is no single transaction: each batch is one, with an audit row of its own that says how many.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.operations.errors import NotHeld
from pipeline.runs import held
from pipeline.runs.held import approve_held, count_held, drop_held

Decide = Callable[[AsyncSession], Awaitable[int]]
Progress = Callable[[int], None]


def _nobody_looks(_: int) -> None:
    pass


async def approve(asking: Asking, progress: Progress = _nobody_looks) -> Done:
    """Queue all held runs; NotHeld when there is none. `progress` is called with the number so far."""
    return await _decide(asking, "approve", approve_held, progress)


async def drop(asking: Asking, progress: Progress = _nobody_looks) -> Done:
    """Cancel all held runs; NotHeld when there is none."""
    return await _decide(asking, "drop", drop_held, progress)


async def _decide(asking: Asking, name: str, decide: Decide, progress: Progress) -> Done:
    total = 0
    # What is held after this is another storm: it is not what the person has looked at.
    at_most = await count_held(asking.database)
    while True:
        counts: list[int] = []
        try:
            work = partial(_batch, decide=decide, word=name, counts=counts)
            done = await audited(asking, Action(name, "held", {}), work)
        except NotHeld:
            # Somebody else has decided about the rest meanwhile.
            if total:
                return Done(_sentence(total, name))
            raise
        total += counts[0]
        progress(total)
        # Fewer than a batch are all that nobody else is just deciding about.
        if total >= at_most or counts[0] < held.BATCH:
            return Done(_sentence(total, name)) if total > counts[0] else done


async def _batch(session: AsyncSession, *, decide: Decide, word: str, counts: list[int]) -> Done:
    count = await decide(session)
    if not count:
        raise NotHeld("No run is held.")
    counts.append(count)
    return Done(_sentence(count, word))


def _sentence(count: int, word: str) -> str:
    past = {"approve": "approved", "drop": "dropped"}[word]
    return f"{count} held {'run' if count == 1 else 'runs'} {past}."
