"""Approves or drops the runs that are held because too many deals came or changed at once (docs/decisions/0005).

100,000 held runs are too many for one transaction: each batch is one, with an audit row that records its number.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.errors import NotHeld
from pipeline.runs import held
from pipeline.runs.store import RunStore

Decision = Literal["approve", "drop"]


async def decide_held(
    context: OperationContext, decision: Decision, report: Callable[[int], Awaitable[None]] | None = None
) -> OperationResult:
    """Queue or cancel all held runs; NotHeld when there is none. `report` gets the number of runs after each batch."""
    total = 0
    # Runs that are held later belong to another storm, which the person who decides has not seen.
    at_most = await RunStore.count_held(context.database)
    while True:
        try:
            count = await _decide_batch(context, decision)
        except NotHeld:
            if not total:
                raise
            # Another person has decided about the rest meanwhile.
            break
        total += count
        if report is not None:
            await report(total)
        # Less than a full batch: all other held runs are locked by another person's decision.
        if total >= at_most or count < held.BATCH:
            break
    return OperationResult(_sentence(total, decision))


async def _decide_batch(context: OperationContext, decision: Decision) -> int:
    async with audited(context, Action(decision, "held")) as operation:
        count = await (RunStore.release_held if decision == "approve" else RunStore.drop_held)(operation.session)
        if not count:
            raise NotHeld("No run is held.")
        operation.done(_sentence(count, decision))
        return count


def _sentence(count: int, decision: Decision) -> str:
    past = {"approve": "approved", "drop": "dropped"}[decision]
    return f"{count} held {'run' if count == 1 else 'runs'} {past}."
