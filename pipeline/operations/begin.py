"""Begins another run for an operation; between two concurrent ones the unique index on active runs decides."""

import re
from collections.abc import Sequence
from itertools import takewhile

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from models.stages import StageNames
from pipeline.operations.errors import AlreadyRunning, StageNotReached, UnknownStage
from pipeline.runs.starting import NewRun, Started
from pipeline.runs.store import RunStore

_ONE_ACTIVE_RUN = re.compile(r"uq_pipeline_runs_(active|deal_id_number)\b")
_FINISHED = text("SELECT stage FROM steps WHERE run_id = :run_id AND status = 'DONE'")


async def begin(session: AsyncSession, run: NewRun) -> Started:
    """AlreadyRunning when the deal has an active run, or another transaction starts one first."""
    try:
        async with session.begin_nested():
            return await RunStore.start(session, run)
    except IntegrityError as error:
        if not _ONE_ACTIVE_RUN.search(str(error.orig)):
            raise
        raise AlreadyRunning(f"Deal {run.deal_id} has an active run already.") from error


async def finished_stages(session: AsyncSession, run_id: int, stages: StageNames) -> list[str]:
    """The leading stages, in this release's order, that the run has finished: another run carries their outputs."""
    found = {row.stage for row in await session.execute(_FINISHED, {"run_id": run_id})}
    return list(takewhile(found.__contains__, (stage.key for stage in stages)))


def finished_before(stage: str, finished: Sequence[str], stages: StageNames) -> list[str]:
    """The finished stages before `stage`; UnknownStage, or StageNotReached when an earlier one has not finished."""
    position = position_of(stage, stages)
    if position > len(finished):
        raise StageNotReached(f"The run cannot begin at {stage}: {stages[len(finished)].key} has not finished.")
    return list(finished[:position])


def position_of(stage: str, stages: StageNames) -> int:
    """UnknownStage."""
    keys = [known.key for known in stages]
    if stage not in keys:
        raise UnknownStage(f"There is no stage {stage}. The stages are {', '.join(keys)}.")
    return keys.index(stage)
