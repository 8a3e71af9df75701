"""Requeues the runs that dead workers and lost jobs left behind. Each statement may run at any time, in any process."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text

from core.in_turn import in_turn
from models.conditions import STALE_HEARTBEAT_SECONDS, TASK, has_expired, is_active, is_waiting
from pipeline.queue import RESUMED, wake
from pipeline.runs.base import RunStatements, Walk
from pipeline.runs.crashes import CRASHED, OUTCOMES
from pipeline.runs.sql import WORKER_LOST, closed_attempts, closed_steps, counted_repairs, requeued, shown_on_deals

log = structlog.get_logger()

# Per statement, so that no rescue holds locks for long; the next round takes the rest.
BATCH = 500
# A run that was only just queued may have its job in a transaction that is not visible to us yet.
_JUST_QUEUED_SECONDS = 2
# A worker needs less than this to notice that it could not end a job.
_FORGOTTEN_SECONDS = 10

# What `lost` selects of each run beside `worker`, `incarnation`, and `crashed`: whether they seem to have died with it.
_COLUMNS = """r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.job_id AS old_job_id, r.status, r.epoch,
        r.cancel_requested_at"""


def _requeue(lost: str, repair: str | None = None) -> TextClause:
    """Requeue the runs that `lost` selects and locks, each with a new job and a moved epoch.

    One whose cancellation was requested is CANCELLED, one that has crashed too often is FAILED. `repair` names the
    contradiction that the runs were in, if they should never have been lost.
    """
    return text(f"""
WITH lost AS ({lost}), {OUTCOMES}, due AS (
    SELECT o.run_id, o.deal_id, o.priority + {RESUMED} AS priority, o.next_attempt_at, o.crashes
    FROM outcomes AS o WHERE o.becomes IN ('QUEUED', 'RETRYING')
), {requeued("due", order="r.priority DESC, r.run_id")}, rescued AS (
    UPDATE pipeline_runs AS r
    SET status = o.becomes, reason = CASE WHEN o.becomes = 'FAILED' THEN 'CRASHED' ELSE r.reason END,
        crashes = o.crashes, epoch = r.epoch + 1, lease_until = NULL, worker = NULL, incarnation = NULL,
        job_id = j.job_id,
        ended_at = CASE WHEN o.becomes IN ('FAILED', 'CANCELLED') THEN clock_timestamp() END
    FROM outcomes AS o LEFT JOIN wanted AS w USING (run_id) LEFT JOIN jobs AS j USING (n) WHERE r.id = o.run_id
    RETURNING r.id, r.deal_id, r.status, o.old_job_id, o.crashed, CASE
        WHEN r.status = 'FAILED' AND o.status = 'RUNNING'
            THEN format('Its worker died %s times while it ran.', r.crashes)
        WHEN r.status = 'FAILED'
            THEN format('%s times its worker died while it fetched the run, or could not read its job.', r.crashes)
        WHEN r.status = 'CANCELLED' THEN 'Cancelled while its worker sent no heartbeat.' END AS sentence
), steps_closed AS ({
        closed_steps(
            "rescued",
            status="(CASE WHEN r.sentence IS NULL THEN 'PENDING' ELSE r.status::text END)::step_status",
            which="(s.status = 'RUNNING' OR (s.status = 'PENDING' AND r.sentence IS NOT NULL))",
            error=f"error_type = 'WorkerLost', error_message = coalesce(r.sentence, '{WORKER_LOST}')",
        )
    }
), attempts_closed AS ({closed_attempts("rescued", error_type="WorkerLost", message=WORKER_LOST)}
), shown AS ({shown_on_deals("rescued", "status = r.status", where="d.status <> r.status")}
){counted_repairs(repair, "rescued") if repair else ""}
SELECT id, status, old_job_id, crashed FROM rescued
""")


_EXPIRED = _requeue(f"""
    SELECT {_COLUMNS}, r.worker, r.incarnation, {CRASHED}
    FROM pipeline_runs AS r
    WHERE {has_expired()}
    ORDER BY r.lease_until LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
""")

_OWN = _requeue(f"""
    SELECT {_COLUMNS}, r.worker, r.incarnation, {CRASHED}
    FROM pipeline_runs AS r
    WHERE r.status = 'RUNNING' AND r.worker = :worker AND r.incarnation = :incarnation
    LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
""")

_OWN_JOBS = text("DELETE FROM procrastinate_jobs WHERE id = ANY(CAST(:job_ids AS bigint[])) AND status = 'doing'")


# Whether the job was fetched, or its fetch begun, since the database was started: a restart loses answers as well.
_FETCHED_BEFORE_DEATH = """coalesce((
        SELECT max(e.at) FROM procrastinate_events AS e WHERE e.job_id = j.id AND e.type = 'started'
    ) > pg_postmaster_start_time(), false)"""


def _drop_jobs(dead: str, *, named: str = "true") -> TextClause:
    """Deletes the jobs `j` that a `dead` worker had fetched; whose they were, if `named`.

    One whose run is under a good lease stays: its worker only looks dead, and would fail without the row.
    """
    return text(f"""
WITH dropped AS (
    SELECT j.id, (j.args ->> 'deal_id')::bigint AS deal_id, w.name AS worker, w.incarnation,
           {_FETCHED_BEFORE_DEATH} AS crashed
    FROM procrastinate_jobs AS j LEFT JOIN LATERAL (
        SELECT w.name, w.incarnation FROM workers AS w WHERE j.worker_id = ANY(w.queue_workers) LIMIT 1
    ) AS w ON {named}
    WHERE j.status = 'doing' AND {dead} AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.job_id = j.id AND r.status = 'RUNNING' AND r.lease_until >= clock_timestamp())
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
DELETE FROM procrastinate_jobs AS j USING dropped AS d WHERE j.id = d.id
RETURNING j.id, d.deal_id, d.worker, d.incarnation, d.crashed
""")


_DROP_STALE = _drop_jobs("""NOT EXISTS (
        SELECT FROM procrastinate_workers AS w
        WHERE w.id = j.worker_id AND w.last_heartbeat > clock_timestamp() - make_interval(secs => :stale))""")
_DROP_OWN = _drop_jobs("""j.worker_id = ANY(
        SELECT unnest(w.queue_workers) FROM workers AS w WHERE w.name = :worker AND w.incarnation = :incarnation)""")
# Of a worker that lives. It is not named: its heartbeats would withdraw the suspicion.
_DROP_UNREAD = _drop_jobs("j.worker_id = :queue_worker AND j.id <> ALL(CAST(:read AS bigint[]))", named="false")

# Its worker has died between the fetch and the claim, or in the fetch itself: a job that cannot be read kills each
# worker that fetches it. Hence it counts as a crash, as the death of a worker does for each run that it holds.
_OF_DROPPED = _requeue(f"""
    SELECT {_COLUMNS}, f.worker, f.incarnation, f.crashed
    FROM unnest(CAST(:job_ids AS bigint[]), CAST(:workers AS text[]), CAST(:incarnations AS text[]),
                CAST(:crashed AS boolean[])) AS f (job_id, worker, incarnation, crashed)
    JOIN pipeline_runs AS r ON r.job_id = f.job_id
    WHERE r.deal_id = ANY(CAST(:deal_ids AS bigint[])) AND {is_waiting()}
    FOR NO KEY UPDATE OF r
""")

# When the database is unavailable as a job ends, the worker forgets the job, which stays `doing` for as long as that
# worker lives. Its run has ended, and longer ago than a worker needs to notice that.
_FORGOTTEN = text(f"""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status = 'doing' AND j.task_name = '{TASK}' AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.deal_id = (j.args ->> 'deal_id')::bigint AND (
            {is_active()}
            OR r.ended_at > now() - make_interval(secs => :forgotten)))
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
RETURNING id
""")

# A waiting run without a job: its worker stopped while the database was unavailable for every claim. No other cause is
# known.
_WAITING_RUNS = Walk(
    "sweep", "SELECT id, job_id, reason, created_at FROM pipeline_runs WHERE status IN ('QUEUED', 'RETRYING')"
)
_HAS_JOB = """EXISTS (
        SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status IN ('todo', 'doing') OFFSET 0)"""
_UNDELIVERED = _requeue(
    f"""
    SELECT {_COLUMNS}, r.worker, r.incarnation, false AS crashed
    FROM pipeline_runs AS r
    WHERE r.id = ANY(ARRAY(
        SELECT r.id FROM ({_WAITING_RUNS.window}) AS r
        WHERE r.reason IS DISTINCT FROM 'HELD' AND r.created_at < now() - make_interval(secs => :just_queued)
          AND NOT {_HAS_JOB} LIMIT :batch))
      AND {is_waiting()} AND NOT {_HAS_JOB}
    FOR NO KEY UPDATE SKIP LOCKED
""",
    repair="run without a job",
)


class Rescue(RunStatements):
    async def reap(self) -> int:
        """Requeue runs whose lease has expired, and those whose job a dead worker had fetched; how many."""
        return sum((await in_turn("reap", {"expired": self._requeue_expired, "fetched": self._requeue_stale})).values())

    async def _requeue_expired(self) -> int:
        return self._rescued(await self._database.run(_EXPIRED, {"batch": BATCH, "lease_seconds": self.lease_seconds}))

    async def _requeue_stale(self) -> int:
        return await self._requeue_fetched(_DROP_STALE, {"stale": STALE_HEARTBEAT_SECONDS})

    async def release(self, worker: str, incarnation: str) -> int:
        """Requeue what this incarnation of a worker held or had fetched; how many runs. It must have ended."""
        released = 0
        parameters = {"worker": worker, "incarnation": incarnation}
        while runs := await self._database.run(
            _OWN, {**parameters, "batch": BATCH, "lease_seconds": self.lease_seconds}
        ):
            # Only here: a worker that merely looks dead would fail without the row.
            await self._database.run(_OWN_JOBS, {"job_ids": [run.old_job_id for run in runs]})
            released += self._rescued(runs)
        while requeued_runs := await self._requeue_fetched(_DROP_OWN, parameters):
            released += requeued_runs
        return released

    async def take_back_unread(self, *, queue_worker: int, read: Collection[int]) -> int:
        """Requeue the runs whose jobs this living worker has fetched, but could not read; how many.

        `read` are the jobs that it has. Each time counts as a crash: the run goes to the quarantine, and then fails.
        """
        return await self._requeue_fetched(_DROP_UNREAD, {"queue_worker": queue_worker, "read": list(read)})

    async def sweep(self) -> int:
        """Requeue waiting runs that no job delivers; how many (should be 0). Delete jobs that no worker will end.

        Of runs that wait it checks a window in each call.
        """
        parts = {"forgotten jobs": self._delete_forgotten, "undelivered runs": self._requeue_undelivered}
        return (await in_turn("sweep", parts)).get("undelivered runs", 0)

    async def _delete_forgotten(self) -> int:
        return len(await self._database.run(_FORGOTTEN, {"batch": BATCH, "forgotten": _FORGOTTEN_SECONDS}))

    async def _requeue_undelivered(self) -> int:
        window = await self._next_window(_WAITING_RUNS)
        parameters = {**window, "batch": BATCH, "just_queued": _JUST_QUEUED_SECONDS}
        runs = await self._database.run(_UNDELIVERED, parameters)
        if len(runs) == BATCH:
            # There may be more of them: the next call checks the same window.
            self._positions[_WAITING_RUNS.name] = window["after"]
        return self._rescued(runs)

    async def _requeue_fetched(self, drop: TextClause, parameters: Mapping[str, object]) -> int:
        """Drop dead workers' jobs and give their waiting runs new ones, in one transaction; how many runs."""
        async with self._database.write() as session:
            dropped = (await session.execute(drop, {**parameters, "batch": BATCH})).all()
            if not dropped:
                return 0
            # Their deals too, for which there is an index.
            fetched = {
                "job_ids": [job.id for job in dropped],
                "deal_ids": [job.deal_id for job in dropped],
                "workers": [job.worker for job in dropped],
                "incarnations": [job.incarnation for job in dropped],
                "crashed": [job.crashed for job in dropped],
            }
            runs = (await session.execute(_OF_DROPPED, fetched)).all()
        return self._rescued(runs)

    def _rescued(self, runs: Sequence[Row[Any]]) -> int:
        """How many they are, once their new jobs are committed. Logs each that got more than a new delivery."""
        if runs:
            wake(self._database)
        for run in runs:
            if run.crashed or run.status in ("FAILED", "CANCELLED"):
                log.warning("run.rescued", run_id=run.id, status=run.status, crashed=run.crashed)
        return len(runs)
