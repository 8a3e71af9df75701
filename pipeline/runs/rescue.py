"""Bringing back what a dead worker or a lost job left behind. Each statement may be run at any time, by anyone."""

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text

from core.database import Database
from pipeline.queue import QUARANTINE, QUEUE, RESUMED, deferred_jobs, wake
from pipeline.runs.lease import QUARANTINE_CRASHES
from pipeline.runs.repairs import counted

log = structlog.get_logger()

# Per statement, so that no rescue holds locks for long; the next round takes the rest.
BATCH = 500
# Procrastinate's workers send a heartbeat every 5 s (see pipeline/worker.py); three missed ones are a dead worker.
STALE_HEARTBEAT_SECONDS = 15
# A worker that dies takes its other runs along; so many deaths with one and the same run are no accident any more.
MOST_CRASHES = 5
LEASE_SECONDS = 12.0

# A run that was only just queued may have its job in a transaction that is not visible to us yet.
_JUST_QUEUED_SECONDS = 2

# What a rescued run needs; `crashed` says whether its worker seems to have died with it.
_COLUMNS = """r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.job_id AS old_job_id, r.status, r.epoch,
        r.worker, r.cancel_requested_at"""
_WAITS = "r.status IN ('QUEUED', 'RETRYING') AND r.reason IS DISTINCT FROM 'HELD'"
REQUEUED_JOBS = deferred_jobs(f"CASE WHEN w.crashes >= {QUARANTINE_CRASHES} THEN '{QUARANTINE}' ELSE '{QUEUE}' END")
# When the database itself was down since the lease was last renewed, its end proves nothing against the run.
_CRASHED = "r.lease_until - make_interval(secs => :lease_seconds) > pg_postmaster_start_time() AS crashed"


# What becomes of each lost run.
_VERDICTS = f"""
accused AS (
    INSERT INTO run_crashes (run_id, epoch, worker, incarnation, at)
    SELECT l.run_id, l.epoch, l.worker, w.incarnation, clock_timestamp()
    FROM lost AS l LEFT JOIN workers AS w ON w.name = l.worker WHERE l.crashed
    ON CONFLICT DO NOTHING
), judged AS (
    SELECT l.*, (SELECT count(*) FROM run_crashes AS c WHERE c.run_id = l.run_id) + l.crashed::int AS crashes
    FROM lost AS l
), verdicts AS (
    SELECT j.*, CASE WHEN j.cancel_requested_at IS NOT NULL THEN 'CANCELLED'
                     WHEN j.crashes >= {MOST_CRASHES} THEN 'FAILED'
                     WHEN j.status = 'RUNNING' THEN 'QUEUED' ELSE j.status END AS becomes
    FROM judged AS j
), wanted AS (
    SELECT v.run_id, v.deal_id, v.priority + {RESUMED} AS priority, v.next_attempt_at, v.crashes,
           row_number() OVER (ORDER BY v.priority DESC, v.run_id) AS n
    FROM verdicts AS v WHERE v.becomes IN ('QUEUED', 'RETRYING')
)
"""  # noqa: S608 - constants of ours


def _requeue(lost: str, repair: str | None = None) -> TextClause:
    """Give the runs that `lost` selects and locks back to the queue, each with a new job and a moved epoch.

    One that is to be cancelled is, and one that has crashed too often has failed. `repair` names what it is that
    should never have happened.
    """
    return text(f"""
WITH lost AS ({lost}), {_VERDICTS}, jobs AS ({REQUEUED_JOBS}), requeued AS (
    UPDATE pipeline_runs AS r
    SET status = v.becomes, reason = CASE WHEN v.becomes = 'FAILED' THEN 'CRASHED' ELSE r.reason END,
        crashes = v.crashes, epoch = r.epoch + 1, lease_until = NULL, worker = NULL, job_id = j.job_id,
        ended_at = CASE WHEN v.becomes IN ('FAILED', 'CANCELLED') THEN clock_timestamp() END
    FROM verdicts AS v LEFT JOIN wanted AS w USING (run_id) LEFT JOIN jobs AS j USING (n) WHERE r.id = v.run_id
    RETURNING r.id, r.deal_id, r.status, v.old_job_id, v.crashed, CASE
        WHEN r.status = 'FAILED' THEN format('Its worker died %s times while it ran.', r.crashes)
        WHEN r.status = 'CANCELLED' THEN 'Cancelled while its worker gave no sign of life.' END AS sentence
), steps_reset AS (
    UPDATE steps AS s
    SET status = (CASE WHEN q.sentence IS NULL THEN 'PENDING' ELSE q.status::text END)::step_status,
        ended_at = clock_timestamp(), error_type = 'WorkerLost',
        error_message = coalesce(q.sentence, 'Its worker gave no sign of life.')
    FROM requeued AS q
    WHERE s.run_id = q.id AND (s.status = 'RUNNING' OR (s.status = 'PENDING' AND q.sentence IS NOT NULL))
), attempts_closed AS (
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = 'WorkerLost', error_message = 'Its worker gave no sign of life.'
    FROM requeued AS q WHERE a.run_id = q.id AND a.ended_at IS NULL
), shown AS (
    UPDATE deals AS d SET status = q.status, updated_at = clock_timestamp()
    FROM requeued AS q WHERE d.id = q.deal_id AND d.status <> q.status
){counted(repair, "requeued") if repair else ""}
SELECT id, status, old_job_id, crashed FROM requeued
""")  # noqa: S608 - constants of ours


_EXPIRED = _requeue(f"""
    SELECT {_COLUMNS}, {_CRASHED}
    FROM pipeline_runs AS r
    WHERE r.status = 'RUNNING' AND r.lease_until < clock_timestamp()
    ORDER BY r.lease_until LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 - constants of ours

_OWN = _requeue(f"""
    SELECT {_COLUMNS}, {_CRASHED}
    FROM pipeline_runs AS r
    WHERE r.status = 'RUNNING' AND r.worker = :worker
    LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 - constants of ours

_DEAD_JOBS = text("DELETE FROM procrastinate_jobs WHERE id = ANY(CAST(:job_ids AS bigint[])) AND status = 'doing'")

# Jobs in the hands of a worker that has died since. One whose run is under a good lease stays: its worker only looks
# dead, and would stumble over the missing row.
_DROP_JOBS = """
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status = 'doing' AND {dead} AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.job_id = j.id AND r.status = 'RUNNING' AND r.lease_until >= clock_timestamp())
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
RETURNING id
"""
_DROP_STALE = text(
    _DROP_JOBS.format(
        dead="""NOT EXISTS (
        SELECT FROM procrastinate_workers AS w
        WHERE w.id = j.worker_id AND w.last_heartbeat > clock_timestamp() - make_interval(secs => :stale))"""
    )
)
_DROP_OWN = text(
    _DROP_JOBS.format(
        dead="""j.worker_id = ANY(
        SELECT unnest(w.queue_workers) FROM workers AS w WHERE w.name = :worker)"""
    )
)

_OF_DROPPED = _requeue(f"""
    SELECT {_COLUMNS}, false AS crashed
    FROM pipeline_runs AS r
    WHERE r.job_id = ANY(CAST(:job_ids AS bigint[])) AND {_WAITS}
    FOR NO KEY UPDATE
""")  # noqa: S608 - constants of ours

# Where the database has refused to note a job's end, the worker has forgotten the job and the job has not forgotten the
# worker: `doing`, for as long as that lives. Its run is over, and has been for longer than a worker needs to notice.
_FORGOTTEN_SECONDS = 10
_FORGOTTEN = text("""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status = 'doing' AND j.task_name = 'process_deal' AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.deal_id = (j.args ->> 'deal_id')::bigint AND (
            r.status IN ('QUEUED', 'RUNNING', 'RETRYING')
            OR r.ended_at > clock_timestamp() - make_interval(secs => :forgotten)))
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
RETURNING id
""")

# A waiting run without a job: given up while the database refused every claim, and nothing else that we know of.
_UNDELIVERED = _requeue(
    f"""
    SELECT {_COLUMNS}, false AS crashed
    FROM pipeline_runs AS r
    WHERE {_WAITS} AND r.created_at < clock_timestamp() - make_interval(secs => :just_queued)
      AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status IN ('todo', 'doing'))
    LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
""",  # noqa: S608 - constants of ours
    repair="run without a job",
)

# A suspect that found another one running waits for its turn, in the suspects' own queue.
_POSTPONE = text(f"""
WITH wanted AS (
    SELECT r.id AS run_id, r.deal_id, r.priority, r.crashes, 1 AS n,
           clock_timestamp() + make_interval(secs => :seconds) AS next_attempt_at
    FROM pipeline_runs AS r
    WHERE r.deal_id = :deal_id AND r.crashes >= {QUARANTINE_CRASHES} AND {_WAITS}
      AND coalesce(r.next_attempt_at, '-infinity') <= clock_timestamp()
      AND NOT EXISTS (SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status = 'todo')
    FOR NO KEY UPDATE
), jobs AS ({REQUEUED_JOBS})
UPDATE pipeline_runs AS r SET job_id = j.job_id FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
RETURNING r.id
""")  # noqa: S608 - constants of ours


async def reap(database: Database, *, lease_seconds: float = LEASE_SECONDS) -> int:
    """Requeue runs whose lease is over, and those whose job a dead worker had fetched; how many."""
    expired = await database.run(_EXPIRED, {"batch": BATCH, "lease_seconds": lease_seconds})
    stale = await _redeliver(database, _DROP_STALE, {"stale": STALE_HEARTBEAT_SECONDS})
    return _told(database, expired) + stale


async def release_own(database: Database, worker: str, *, lease_seconds: float = LEASE_SECONDS) -> int:
    """At a worker's start: requeue what its dead incarnation of the same name held or had fetched; how many."""
    released = 0
    parameters = {"worker": worker, "batch": BATCH, "lease_seconds": lease_seconds}
    while runs := await database.run(_OWN, parameters):
        # Only here: a worker that merely looked dead would stumble over the missing row.
        await database.run(_DEAD_JOBS, {"job_ids": [run.old_job_id for run in runs]})
        released += _told(database, runs)
    while redelivered := await _redeliver(database, _DROP_OWN, {"worker": worker}):
        released += redelivered
    return released


async def sweep(database: Database) -> int:
    """Requeue waiting runs that no job will bring; how many (should be 0). And clear away jobs that nobody ends."""
    await database.run(_FORGOTTEN, {"batch": BATCH, "forgotten": _FORGOTTEN_SECONDS})
    return _told(database, await database.run(_UNDELIVERED, {"batch": BATCH, "just_queued": _JUST_QUEUED_SECONDS}))


async def postpone(database: Database, deal_id: int, *, seconds: float) -> bool:
    """Bring the deal's run again later, if it waits for another suspect to end."""
    return bool(await database.run(_POSTPONE, {"deal_id": deal_id, "seconds": seconds}))


async def _redeliver(database: Database, drop: TextClause, parameters: dict[str, object]) -> int:
    """Drop dead workers' jobs and give their waiting runs new ones, in one transaction; how many runs."""
    async with database.write() as session:
        dropped = (await session.execute(drop, {**parameters, "batch": BATCH})).scalars().all()
        if not dropped:
            return 0
        runs = (await session.execute(_OF_DROPPED, {"job_ids": list(dropped)})).all()
    return _told(database, runs)


def _told(database: Database, runs: Sequence[Row[Any]]) -> int:
    """How many they are, their new jobs being committed; what is more than a new delivery is logged."""
    if runs:
        wake(database)
    for run in runs:
        if run.crashed or run.status in ("FAILED", "CANCELLED"):
            log.warning("run.rescued", run_id=run.id, status=run.status, crashed=run.crashed)
    return len(runs)
