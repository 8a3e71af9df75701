"""Approves or drops the runs that are held because too many new deals came at once (docs/decisions/0005).

100,000 held runs are no single transaction: each batch is one, with an audit row of its own that records its number.
"""

from collections.abc import AsyncIterator
from typing import Literal

from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.errors import NotHeld
from pipeline.runs import held
from pipeline.runs.store import RunStore

Decision = Literal["approve", "drop"]


async def approve(context: OperationContext) -> OperationResult:
    """Queue all held runs; NotHeld when there is none."""
    return [result async for result in decide_held(context, "approve")][-1]


async def drop(context: OperationContext) -> OperationResult:
    """Cancel all held runs; NotHeld when there is none."""
    return [result async for result in decide_held(context, "drop")][-1]


async def decide_held(context: OperationContext, decision: Decision) -> AsyncIterator[OperationResult]:
    """After each batch, the result so far; NotHeld when there is no held run."""
    total = 0
    # Runs that are held later are another storm: the person who decides has not seen them.
    at_most = await RunStore.count_held(context.database)
    while True:
        try:
            count = await _decide_batch(context, decision)
        except NotHeld:
            # Another person has decided about the rest meanwhile.
            if total:
                return
            raise
        total += count
        yield OperationResult(_sentence(total, decision), count=total)
        # Less than a full batch: all other held runs are locked by another person's decision.
        if total >= at_most or count < held.BATCH:
            return


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
