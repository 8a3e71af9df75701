"""Runs and their steps: one row per run, its steps as arrays in the same row, so that both are of one moment."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Row, Text, bindparam, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from models import Deal, PipelineRun, RunReason, RunStatus, Step, StepStatus
from models.stages import StageName, load_stages
from resolvers.deal_state import IS_LATE, IS_STUCK, StateWord, state_word
from resolvers.rows import DealState, RunRow, StepRow

deals, runs, steps = Deal.__table__, PipelineRun.__table__, Step.__table__


def _by_position(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.array_agg(column, type_=ARRAY(column.type)).aggregate_order_by(steps.c.position)


_BEGUN = (
    select(
        _by_position(steps.c.stage).label("step_stages"),
        _by_position(cast(steps.c.status, Text)).label("step_statuses"),
        _by_position(steps.c.started_at).label("step_started_at"),
        _by_position(steps.c.ended_at).label("step_ended_at"),
        _by_position(steps.c.attempts).label("step_attempts"),
        _by_position(steps.c.carried_from).label("step_carried_from"),
    )
    .where(steps.c.run_id == runs.c.id)
    .correlate(runs)
    .lateral("begun")
)

_RUN_COLUMNS = (
    runs.c.id.label("run_id"),
    runs.c.number,
    runs.c.trigger,
    runs.c.status.label("run_status"),
    runs.c.reason,
    runs.c.created_at,
    runs.c.started_at,
    runs.c.ended_at,
    runs.c.next_attempt_at,
    runs.c.waits_for,
    cast(runs.c.stages, Text).label("stages"),
    *_BEGUN.c,
)

# `= ANY(array)` is one prepared statement; `IN (...)` would be one for each number of ids.
_DEAL_IDS = func.any(bindparam("deal_ids", type_=ARRAY(BigInteger)))

STATES = (
    select(
        deals.c.id.label("deal_id"),
        deals.c.status.label("deal_status"),
        deals.c.current_stage,
        IS_LATE.label("is_late"),
        IS_STUCK.label("is_stuck"),
        *_RUN_COLUMNS,
    )
    .select_from(deals)
    .outerjoin(runs, runs.c.id == deals.c.latest_run_id)
    .outerjoin(_BEGUN, true())
    .where(deals.c.id == _DEAL_IDS)
)

RUNS = (
    select(runs.c.deal_id, *_RUN_COLUMNS)
    .select_from(runs)
    .outerjoin(_BEGUN, true())
    .where(runs.c.deal_id == _DEAL_IDS)
    .order_by(runs.c.deal_id, runs.c.number.desc())
)

# The status shown for a RUNNING step of a run that is not RUNNING. No writer leaves such a step; if one ever does, the
# response still does not contradict itself.
_LEFT_RUNNING = {
    RunStatus.QUEUED: StepStatus.PENDING,
    RunStatus.RUNNING: StepStatus.RUNNING,
    RunStatus.RETRYING: StepStatus.FAILED,
    RunStatus.DONE: StepStatus.DONE,
    RunStatus.FAILED: StepStatus.FAILED,
    RunStatus.CANCELLED: StepStatus.CANCELLED,
    RunStatus.SKIPPED: StepStatus.SKIPPED,
}

# A deal that was deleted after its page was read.
DELETED_DEAL = DealState(RunStatus.SKIPPED, RunReason.NOT_FOUND, None, None, StateWord.SKIPPED)


class _BegunStep(NamedTuple):
    """A row of `steps`."""

    status: StepStatus
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    carried_from: int | None


_NOT_BEGUN = _BegunStep(StepStatus.PENDING, None, None, 0, None)


def deal_state(row: Row[Any]) -> DealState:
    """From a row of STATES."""
    if row.run_id is None:
        return DealState(row.deal_status, None, row.current_stage, None, state_word(row.deal_status, None))
    begun: list[str] = row.step_stages or []
    word = state_word(row.run_status, row.reason, is_late=row.is_late, is_stuck=row.is_stuck)
    return DealState(row.run_status, row.reason, begun[-1] if begun else None, run_row(row), word)


def run_row(row: Row[Any]) -> RunRow:
    """From a row of STATES or RUNS."""
    begun = dict(_begun_steps(row))
    return RunRow(
        row.run_id,
        row.number,
        row.trigger,
        row.run_status,
        row.reason,
        row.created_at,
        row.started_at,
        row.ended_at,
        row.next_attempt_at,
        [_step(row, stage, begun.get(stage.key, _NOT_BEGUN)) for stage in _stages(row.stages)],
        row.waits_for if row.run_status is RunStatus.RETRYING else None,
    )


# All runs since the last change of the pipeline store the same text.
_stages = lru_cache(maxsize=64)(load_stages)


def _begun_steps(row: Row[Any]) -> Iterable[tuple[str, _BegunStep]]:
    if row.step_stages is None:
        return
    times = (row.step_started_at, row.step_ended_at)
    columns = (row.step_stages, row.step_statuses, *times, row.step_attempts, row.step_carried_from)
    for stage, word, *begun in zip(*columns, strict=True):
        status = _LEFT_RUNNING[row.run_status] if word == StepStatus.RUNNING else StepStatus(word)
        yield stage, _BegunStep(status, *begun)


def _step(row: Row[Any], stage: StageName, begun: _BegunStep) -> StepRow:
    # A carried-over step was run at a time of another run, which shows it.
    timeless = begun.status is StepStatus.PENDING or begun.attempts == 0
    return StepRow(
        row.run_id,
        stage.key,
        stage.label,
        begun.status,
        None if timeless else begun.started_at,
        None if timeless else begun.ended_at,
        begun.attempts,
        begun.carried_from,
    )
