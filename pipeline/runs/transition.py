"""The transition of a run when a step ends or begins, and the one statement that writes it whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from core.direct import Statement
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.sql import shown_on_deals


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How the step at `position` ended."""

    position: int
    status: StepStatus
    output: Any = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    # Whether the attempt counts against the stage's retry policy: not when the stage did not cause the error.
    counts: bool = False


@dataclass(frozen=True, slots=True)
class NextCheck:
    """When the deal is checked again although it has not changed; None for a deal that is closed."""

    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A step may end, a step may begin, and the run gets a status."""

    status: RunStatus = RunStatus.RUNNING
    reason: RunReason | None = None
    end: StepEnd | None = None
    begin: int | None = None
    # Only with RETRYING: how long until the next attempt, or what a person must first grant in HubSpot.
    delay_seconds: float | None = None
    waits_for: str | None = None
    # The deal's associations as a stage has read them; None leaves them unchanged.
    company_ids: list[str] | None = None
    contact_ids: list[str] | None = None
    # The deal's last activity that was not ours, and when notes and tasks of ours were made; None changes nothing.
    activity_at: datetime | None = None
    own_activity: list[datetime] | None = None
    next_check: NextCheck | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """`status` is CANCELLED instead of the requested one when the run's cancellation was requested.

    `attempt` is the number of the attempt that was begun, `failures` how many before it count against the policy,
    `next_attempt_at` when a RETRYING run is attempted again.
    """

    status: RunStatus
    attempt: int | None
    failures: int
    next_attempt_at: datetime | None


# HubSpot shows the last activity only: older ones of ours do not matter.
OWN_ACTIVITIES_KEPT = 50

# Everything depends on `live`: when the epoch has moved, no row is touched. READ COMMITTED checks the epoch again after
# a wait for the row's lock, so a claim that was faster always wins. A run whose cancellation was requested goes no
# further than the end of the step that ended, unless the transition ends the run anyway. A transition that leaves the
# step unfinished (PENDING) ends whichever step runs: the answer to the last transition may have been lost. A run that
# ends closes every step that is still open, for example one that a dead worker left open.
MOVE = Statement(f"""
WITH live AS (
    UPDATE pipeline_runs AS r
    SET status = CASE WHEN r.cancel_requested_at IS NOT NULL AND NOT :over THEN 'CANCELLED'
                      ELSE CAST(:status AS run_status) END,
        reason = CAST(:reason AS run_reason),
        lease_until = CASE WHEN :running AND r.cancel_requested_at IS NULL
                           THEN clock_timestamp() + make_interval(secs => :lease_seconds) END,
        worker = CASE WHEN :running OR :over THEN r.worker END,
        next_attempt_at = CASE WHEN r.cancel_requested_at IS NULL THEN
            clock_timestamp() + make_interval(secs => CAST(:delay_seconds AS double precision)) END,
        waits_for = CAST(:waits_for AS text),
        ended_at = CASE WHEN :over OR r.cancel_requested_at IS NOT NULL THEN clock_timestamp() END
    WHERE r.id = :run_id AND r.epoch = :epoch AND r.status = 'RUNNING'
    RETURNING r.id, r.deal_id, r.worker, r.next_attempt_at, r.status, r.ended_at
), ended AS (
    UPDATE steps AS s
    SET status = CASE WHEN live.ended_at IS NOT NULL AND (s.position <> CAST(:end_position AS smallint)
                                OR CAST(:end_status AS step_status) = 'PENDING') THEN live.status::text::step_status
                      ELSE CAST(:end_status AS step_status) END,
        output = CASE WHEN s.position = CAST(:end_position AS smallint) THEN CAST(:output AS jsonb) ELSE s.output END,
        ended_at = clock_timestamp(),
        error_type = :error_type, error_message = :error_message,
        failures = s.failures + CASE WHEN :counts AND s.position = CAST(:end_position AS smallint) THEN 1 ELSE 0 END
    FROM live WHERE s.run_id = live.id AND (
        (s.status = 'RUNNING' AND (
            s.position = CAST(:end_position AS smallint) OR CAST(:end_status AS step_status) = 'PENDING'))
        OR (s.status IN ('RUNNING', 'PENDING') AND live.ended_at IS NOT NULL))
    RETURNING s.run_id, s.position, s.attempts
), ended_attempt AS (
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = :error_type, error_message = :error_message, traceback = :traceback
    FROM ended AS e WHERE a.run_id = e.run_id AND a.position = e.position AND a.attempt = e.attempts
      AND a.ended_at IS NULL
), begun AS (
    INSERT INTO steps AS s (run_id, position, stage, status, attempts, started_at)
    SELECT live.id, CAST(:begin_position AS smallint), :begin_stage, 'RUNNING', 1, clock_timestamp()
    FROM live WHERE CAST(:begin_position AS smallint) IS NOT NULL AND live.status = 'RUNNING'
    ON CONFLICT (run_id, position) DO UPDATE
    SET status = 'RUNNING', attempts = s.attempts + 1, started_at = excluded.started_at, ended_at = NULL,
        error_type = NULL, error_message = NULL
    WHERE s.status <> 'DONE'
    RETURNING s.run_id, s.position, s.attempts, s.failures, s.started_at
), begun_attempt AS (
    INSERT INTO step_attempts (run_id, position, attempt, worker, started_at)
    SELECT b.run_id, b.position, b.attempts, live.worker, b.started_at FROM begun AS b, live
), shown AS ({
    shown_on_deals(
        "live",
        "status = r.status",
        "current_stage = coalesce(CASE WHEN r.status = 'RUNNING' THEN :begin_stage END, d.current_stage)",
        "company_ids = coalesce(CAST(:company_ids AS text[]), d.company_ids)",
        "contact_ids = coalesce(CAST(:contact_ids AS text[]), d.contact_ids)",
        "activity_at = coalesce(CAST(:activity_at AS timestamptz), d.activity_at)",
        f'''own_activity = CASE WHEN CAST(:own_activity AS timestamptz[]) IS NULL THEN d.own_activity ELSE ARRAY(
            SELECT DISTINCT at FROM unnest(d.own_activity || CAST(:own_activity AS timestamptz[])) AS o (at)
            ORDER BY at DESC LIMIT {OWN_ACTIVITIES_KEPT}) END''',
        "recheck_at = CASE WHEN :is_checked THEN CAST(:recheck_at AS timestamptz) ELSE d.recheck_at END",
    )
}
)
SELECT live.status, live.next_attempt_at, b.attempts AS attempt, coalesce(b.failures, 0) AS failures
FROM live LEFT JOIN begun AS b ON true
""")

_OVER = frozenset({RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED})
# What a database or a page shows of one error; a stage cannot fill the disk with it.
ERROR_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 20_000


def move_values(lease: Lease, to: Transition, lease_seconds: float) -> dict[str, object]:
    """The parameters of MOVE."""
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
        "waits_for": to.waits_for,
        "end_position": end.position,
        "end_status": end.status,
        "counts": end.counts,
        "output": None if end.output is None else orjson.dumps(end.output).decode(),
        "error_type": end.error_type,
        "error_message": _storable(end.error_message, ERROR_CHARACTERS),
        "traceback": _storable(end.traceback, TRACEBACK_CHARACTERS),
        "begin_position": to.begin,
        "begin_stage": None if to.begin is None else lease.stages[to.begin],
        "company_ids": to.company_ids,
        "contact_ids": to.contact_ids,
        "activity_at": to.activity_at,
        "own_activity": to.own_activity,
        "is_checked": to.next_check is not None,
        "recheck_at": to.next_check and to.next_check.at,
    }


def moved(lease: Lease, to: Transition, rows: Sequence[Mapping[Any, Any]]) -> Moved:
    """From the rows of MOVE."""
    if not rows:
        raise LeaseLost(f"Run {lease.run_id} was taken over")
    row = rows[0]
    found = Moved(RunStatus(row["status"]), row["attempt"], row["failures"], row["next_attempt_at"])
    if to.begin is not None and found.status is RunStatus.RUNNING and found.attempt is None:
        raise LeaseLost(f"Stage {lease.stages[to.begin]} of run {lease.run_id} is DONE already")
    return found


def _storable(value: str | None, limit: int) -> str | None:
    """PostgreSQL stores no NUL character; storing an error must never cause another one."""
    return None if value is None else value.replace("\0", "�")[:limit]
