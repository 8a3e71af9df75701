"""How a deal stands, in one word: what its status says, and whether it takes longer than it should."""

from enum import StrEnum

from sqlalchemy import Boolean, ColumnElement, literal_column

from models import FEWEST_SAMPLES, PATIENT_PRIORITY, QUEUE_WAIT, RunReason, RunStatus
from models.conditions import STALE_HEARTBEAT_SECONDS

# A stage that runs so many times longer than 99 of 100 do has stopped, as far as anybody can tell.
STUCK_FACTOR = 3


class StateWord(StrEnum):
    """What a person calls it; LATE is WAITING for too long, STUCK is RUNNING for too long or without a worker."""

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


def word_of(status: RunStatus, reason: RunReason | None, *, is_late: bool = False, is_stuck: bool = False) -> StateWord:
    """`is_late` and `is_stuck` as IS_LATE and IS_STUCK were for the same row."""
    if is_stuck:
        return StateWord.STUCK
    if status is RunStatus.QUEUED and reason is RunReason.HELD:
        return StateWord.HELD
    return StateWord.LATE if is_late else _BY_STATUS[status]


# Of the row of pipeline_runs beside which they stand. Each looks further only for a run that waits or runs, and by
# keys: a page of deals that are done pays nothing. Steps that were carried over from an earlier run are older than
# the run: it waits since it was queued. A pause is nobody's wait: what was late before it stays so, and is not after it
# (the row is that of pipeline/runs/controls.py).
IS_LATE: ColumnElement[bool] = literal_column(
    f"""
CASE WHEN pipeline_runs.status = 'QUEUED' AND pipeline_runs.reason IS DISTINCT FROM 'HELD'
      AND pipeline_runs.priority > {PATIENT_PRIORITY}
THEN EXISTS (
    SELECT FROM stage_stats AS w LEFT JOIN controls AS c ON c.name = 'pause'
    WHERE w.stage = '{QUEUE_WAIT}' AND w.samples >= {FEWEST_SAMPLES}
      AND CASE WHEN c.requested_at > coalesce(c.taken_at, '-infinity') THEN c.requested_at ELSE clock_timestamp() END
          - w.p95 * interval '1 second' > greatest(pipeline_runs.created_at, pipeline_runs.queued_at, c.taken_at,
          (SELECT max(coalesce(s.ended_at, s.started_at)) FROM steps AS s WHERE s.run_id = pipeline_runs.id)))
ELSE false END""",  # noqa: S608 - constants of ours
    Boolean,
)
IS_STUCK: ColumnElement[bool] = literal_column(
    f"""
CASE WHEN pipeline_runs.status = 'RUNNING'
THEN pipeline_runs.lease_until < clock_timestamp() OR EXISTS (
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
