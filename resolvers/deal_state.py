"""A deal's state in one word: its status, and whether it takes longer than it should."""

from enum import StrEnum

from sqlalchemy import Boolean, ColumnElement, literal_column

from models import FEWEST_SAMPLES, PATIENT_PRIORITY, QUEUE_WAIT, RunReason, RunStatus
from models.conditions import PAUSE, STALE_HEARTBEAT_SECONDS, has_expired, is_open, is_queued

# A stage that runs this many times longer than 99 of 100 is presumed to have stopped.
STUCK_FACTOR = 3


class StateWord(StrEnum):
    """LATE has been WAITING for too long, STUCK has been RUNNING for too long or without a worker."""

    WAITING = "WAITING"
    LATE = "LATE"
    HELD = "HELD"
    RUNNING = "RUNNING"
    STUCK = "STUCK"
    RETRYING = "RETRYING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


_BY_STATUS = {
    RunStatus.QUEUED: StateWord.WAITING,
    RunStatus.RUNNING: StateWord.RUNNING,
    RunStatus.RETRYING: StateWord.RETRYING,
    RunStatus.DONE: StateWord.DONE,
    RunStatus.FAILED: StateWord.FAILED,
    RunStatus.CANCELLED: StateWord.CANCELLED,
    RunStatus.SKIPPED: StateWord.SKIPPED,
}


def state_word(
    status: RunStatus, reason: RunReason | None, *, is_late: bool = False, is_stuck: bool = False
) -> StateWord:
    """`is_late` and `is_stuck` are the values of IS_LATE and IS_STUCK for the same row."""
    if is_stuck:
        return StateWord.STUCK
    if status is RunStatus.QUEUED and reason is RunReason.HELD:
        return StateWord.HELD
    return StateWord.LATE if is_late else _BY_STATUS[status]


# Columns of a query over pipeline_runs. They read other tables only for a run that waits or runs, and by key: a page of
# deals that are DONE costs nothing more. Steps carried over from an earlier run are older than the run, which waits
# since it was queued. A pause is not a wait: while it lasts no run becomes late and a late one stays late; afterwards
# every run has waited since the resume.
IS_LATE: ColumnElement[bool] = literal_column(
    f"""
CASE WHEN {is_queued("pipeline_runs")}
      AND pipeline_runs.priority > {PATIENT_PRIORITY}
THEN EXISTS (
    SELECT FROM stage_stats AS w LEFT JOIN controls AS c ON c.name = '{PAUSE}'
    WHERE w.stage = '{QUEUE_WAIT}' AND w.samples >= {FEWEST_SAMPLES}
      AND CASE WHEN {is_open()} THEN c.requested_at ELSE clock_timestamp() END
          - w.p95 * interval '1 second' > greatest(pipeline_runs.created_at, pipeline_runs.queued_at, c.taken_at,
          (SELECT max(coalesce(s.ended_at, s.started_at)) FROM steps AS s WHERE s.run_id = pipeline_runs.id)))
ELSE false END""",  # noqa: S608 - constants of ours
    Boolean,
)
IS_STUCK: ColumnElement[bool] = literal_column(
    f"""
CASE WHEN pipeline_runs.status = 'RUNNING'
THEN {has_expired("pipeline_runs")} OR EXISTS (
    SELECT FROM procrastinate_jobs AS j LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
    WHERE j.id = pipeline_runs.job_id AND j.status = 'doing'
      AND coalesce(w.last_heartbeat, '-infinity') < clock_timestamp() - interval '{STALE_HEARTBEAT_SECONDS} seconds'
) OR EXISTS (
    SELECT FROM steps AS s JOIN stage_stats AS p ON p.stage = s.stage
    WHERE s.run_id = pipeline_runs.id AND s.status = 'RUNNING' AND p.samples >= {FEWEST_SAMPLES}
      AND s.started_at < clock_timestamp() - {STUCK_FACTOR} * p.p99 * interval '1 second')
ELSE false END""",  # noqa: S608 - constants of ours
    Boolean,
)
