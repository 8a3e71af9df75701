"""Pause and resume: a flag that the claim itself looks at. Stages that run end; no other begins."""

from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.conditions import PAUSE, is_open
from pipeline.operations.asking import Action, Asking, Done, audited
from pipeline.operations.errors import AlreadyPaused, NotPaused
from pipeline.runs.controls import request_control
from pipeline.runs.store import RunStore

# FOR UPDATE: of two who resume at once, one does.
_FLAG = text(f"SELECT {is_open()} AS paused, requested_by FROM controls AS c WHERE name = :name FOR UPDATE")  # noqa: S608
_RESUME = text("UPDATE controls SET taken_at = clock_timestamp() WHERE name = :name")


async def pause(asking: Asking) -> Done:
    """AlreadyPaused when it is."""
    return await audited(asking, Action("pause", "queue", {}), partial(_pause_in, asking=asking))


async def resume(asking: Asking) -> Done:
    """NotPaused when it is not."""
    return await audited(asking, Action("resume", "queue", {}), _resume_in)


async def _pause_in(session: AsyncSession, *, asking: Asking) -> Done:
    flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
    if flag is not None and flag.paused:
        raise AlreadyPaused(f"The queue is paused already, by {flag.requested_by}.")
    await request_control(session, PAUSE, asking.actor)
    return Done("The queue is paused. Stages that run end; no other begins until it is resumed.")


async def _resume_in(session: AsyncSession) -> Done:
    flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
    if flag is None or not flag.paused:
        raise NotPaused("The queue is not paused.")
    await session.execute(_RESUME, {"name": PAUSE})
    delivered = await RunStore.redeliver(session)
    runs = "waiting run was" if delivered == 1 else "waiting runs were"
    again = f" {delivered} {runs} delivered again." if delivered else ""
    return Done(f"The queue goes on.{again}")
