"""Moving a run: one statement that ends a step, begins the next and shows it on the deal, or does nothing at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.lease import Lease, LeaseLost


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How the step at `position` ended."""

    position: int
    status: StepStatus
    output: Any = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What becomes of a run: a step may end, a step may begin, the run has a status after it."""

    status: RunStatus = RunStatus.RUNNING
    reason: RunReason | None = None
    end: StepEnd | None = None
    begin: int | None = None
    # Only with RETRYING: how long until the next attempt.
    delay_seconds: float | None = None
    # The deal's links as a stage read them; None leaves them as they are.
    company_ids: list[str] | None = None
    contact_ids: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """`attempt` is the number of the attempt that was begun, `next_attempt_at` when a RETRYING run goes on."""

    attempt: int | None
    next_attempt_at: datetime | None


# Everything hangs on `live`: when the epoch has moved, no row is touched. READ COMMITTED checks the epoch again after
# a wait for the row's lock, so a claim that was faster always wins.
_MOVE = text("""
WITH live AS (
    UPDATE pipeline_runs AS r
    SET status = CAST(:status AS run_status), reason = CAST(:reason AS run_reason),
        lease_until = CASE WHEN :running THEN clock_timestamp() + make_interval(secs => :lease_seconds) END,
        worker = CASE WHEN :running OR :over THEN r.worker END,
        next_attempt_at = clock_timestamp() + make_interval(secs => CAST(:delay_seconds AS double precision)),
        ended_at = CASE WHEN :over THEN clock_timestamp() END
    WHERE r.id = :run_id AND r.epoch = :epoch AND r.status = 'RUNNING'
    RETURNING r.id, r.deal_id, r.worker, r.next_attempt_at
), ended AS (
    UPDATE steps AS s
    SET status = CAST(:end_status AS step_status), output = CAST(:output AS jsonb), ended_at = clock_timestamp(),
        error_type = :error_type, error_message = :error_message
    FROM live WHERE s.run_id = live.id AND s.position = CAST(:end_position AS smallint)
    RETURNING s.run_id, s.position, s.attempts
), ended_attempt AS (
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = :error_type, error_message = :error_message, traceback = :traceback
    FROM ended AS e WHERE a.run_id = e.run_id AND a.position = e.position AND a.attempt = e.attempts
), begun AS (
    INSERT INTO steps AS s (run_id, position, stage, status, attempts, started_at)
    SELECT live.id, CAST(:begin_position AS smallint), :begin_stage, 'RUNNING', 1, clock_timestamp()
    FROM live WHERE CAST(:begin_position AS smallint) IS NOT NULL
    ON CONFLICT (run_id, position) DO UPDATE
    SET status = 'RUNNING', attempts = s.attempts + 1, started_at = excluded.started_at, ended_at = NULL,
        error_type = NULL, error_message = NULL
    WHERE s.status <> 'DONE'
    RETURNING s.run_id, s.position, s.attempts, s.started_at
), begun_attempt AS (
    INSERT INTO step_attempts (run_id, position, attempt, worker, started_at)
    SELECT b.run_id, b.position, b.attempts, live.worker, b.started_at FROM begun AS b, live
), shown AS (
    UPDATE deals AS d
    SET status = CAST(:status AS run_status), current_stage = coalesce(:begin_stage, d.current_stage),
        updated_at = clock_timestamp(), company_ids = coalesce(CAST(:company_ids AS text[]), d.company_ids),
        contact_ids = coalesce(CAST(:contact_ids AS text[]), d.contact_ids)
    FROM live WHERE d.id = live.deal_id
)
SELECT live.next_attempt_at, (SELECT attempts FROM begun) AS attempt FROM live
""")

_JOB = text("UPDATE pipeline_runs SET job_id = :job_id WHERE id = :run_id AND epoch = :epoch")

_OVER = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED})
# What a database or a page shows of one error; a stage cannot fill the disk with it.
ERROR_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 20_000


async def move(where: Database | AsyncSession, lease: Lease, to: Transition, *, lease_seconds: float) -> Moved:
    """Do the transition, as its own transaction or in the session's; LeaseLost when the run is no longer ours."""
    parameters = _parameters(lease, to, lease_seconds)
    if isinstance(where, Database):
        rows = await where.run(_MOVE, parameters)
    else:
        rows = (await where.execute(_MOVE, parameters)).all()
    if not rows or (to.begin is not None and rows[0].attempt is None):
        raise LeaseLost(f"Run {lease.run_id} was taken over")
    return Moved(attempt=rows[0].attempt, next_attempt_at=rows[0].next_attempt_at)


async def set_job(session: AsyncSession, lease: Lease, job_id: int) -> None:
    """Note the job that will bring the run back; the rescue looks whether it still exists."""
    await session.execute(_JOB, {"job_id": job_id, "run_id": lease.run_id, "epoch": lease.epoch})


def _parameters(lease: Lease, to: Transition, lease_seconds: float) -> dict[str, object]:
    end = to.end or StepEnd(position=-1, status=StepStatus.DONE)
    return {
        "run_id": lease.run_id,
        "epoch": lease.epoch,
        "lease_seconds": lease_seconds,
        "status": to.status,
        "reason": to.reason,
        "running": to.status is RunStatus.RUNNING,
        "over": to.status in _OVER,
        "delay_seconds": to.delay_seconds,
        "end_position": end.position,
        "end_status": end.status,
        "output": None if end.output is None else orjson.dumps(end.output).decode(),
        "error_type": end.error_type,
        "error_message": _storable(end.error_message, ERROR_CHARACTERS),
        "traceback": _storable(end.traceback, TRACEBACK_CHARACTERS),
        "begin_position": to.begin,
        "begin_stage": None if to.begin is None else lease.stages[to.begin],
        "company_ids": to.company_ids,
        "contact_ids": to.contact_ids,
    }


def _storable(value: str | None, limit: int) -> str | None:
    """PostgreSQL stores no NUL character; a stored error must never be the reason for another one."""
    return None if value is None else value.replace("\0", "�")[:limit]
