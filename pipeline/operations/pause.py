"""Pauses and resumes the queue by a flag that the claim itself reads: running stages end, no other stage begins."""

from sqlalchemy import text

from models.conditions import PAUSE, is_open
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.errors import AlreadyPaused, NotPaused
from pipeline.runs.controls import request_control
from pipeline.runs.store import RunStore

# FOR UPDATE: when two people resume at once, one of them does and the other is refused.
_FLAG = text(f"SELECT {is_open()} AS paused, requested_by FROM controls AS c WHERE name = :name FOR UPDATE")  # noqa: S608
_RESUME = text("UPDATE controls SET taken_at = clock_timestamp() WHERE name = :name")


async def pause(context: OperationContext) -> OperationResult:
    """AlreadyPaused."""
    async with audited(context, Action("pause", "queue")) as operation:
        session = operation.session
        flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
        if flag is not None and flag.paused:
            raise AlreadyPaused(f"The queue is paused already, by {flag.requested_by}.")
        await request_control(session, PAUSE, context.actor)
        return operation.done("The queue is paused. Running stages end; no other stage begins until it is resumed.")


async def resume(context: OperationContext) -> OperationResult:
    """NotPaused."""
    async with audited(context, Action("resume", "queue")) as operation:
        session = operation.session
        flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
        if flag is None or not flag.paused:
            raise NotPaused("The queue is not paused.")
        await session.execute(_RESUME, {"name": PAUSE})
        delivered = await RunStore.redeliver(session)
        runs = "waiting run was" if delivered == 1 else "waiting runs were"
        redelivered = f" {delivered} {runs} redelivered." if delivered else ""
        return operation.done(f"The queue is resumed.{redelivered}")
