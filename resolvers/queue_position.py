"""How far back in the queue a run is, how fast the queue moves, and what stops the one or the other."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from core.database import Database
from models import FEWEST_SAMPLES

# Nobody needs to know more exactly how long the queue is in front of one.
MOST_COUNTED = 1_000
# The present pace is that of so many runs, if they ended lately.
PACE_RUNS = 200
PACE_MINUTES = 10
# Of fewer runs nobody can tell how fast the queue moves.
FEWEST_ENDED = 5
# Behind every job.
_LAST = 2**63 - 1


class Place(NamedTuple):
    """`position` is 1 for the next in turn, 1,001 for any behind a thousand; `starts_in` is None when nobody can tell.

    `takes` is how long the stages that are left take one after the other, half of the time; None when that is not known
    of each of them.
    """

    position: int
    starts_in: float | None
    takes: float | None


# Workers are given jobs, and a job's priority is not always its run's: it may be overdue, or go on with what had begun.
# The jobs are read as Procrastinate reads them, by its index and up to the limit. Who was delivered in vain during a
# pause has no job, and will get one behind its equals (pipeline/operations/pause.py).
_PLACE = text(f"""
WITH mine AS (
    SELECT coalesce(j.queue_name, 'deals') AS queue, coalesce(j.priority, r.priority) AS priority,
           coalesce(j.id, {_LAST}) AS job_id, ARRAY(
        SELECT e ->> 'key' FROM jsonb_array_elements(r.stages) AS e WHERE NOT EXISTS (
            SELECT FROM steps AS s WHERE s.run_id = r.id AND s.stage = e ->> 'key' AND s.status = 'DONE')) AS stages
    FROM pipeline_runs AS r LEFT JOIN procrastinate_jobs AS j ON j.id = r.job_id AND j.status IN ('todo', 'doing')
    WHERE r.id = :run_id
), ahead AS (
    SELECT count(*) AS n FROM mine, (
        SELECT j.priority, j.id FROM procrastinate_jobs AS j
        WHERE j.status = 'todo' AND j.queue_name = (SELECT queue FROM mine)
          AND coalesce(j.scheduled_at, '-infinity') <= clock_timestamp()
        ORDER BY j.priority DESC, j.id LIMIT {MOST_COUNTED}
    ) AS front
    WHERE front.priority > mine.priority OR (front.priority = mine.priority AND front.id < mine.job_id)
), pace AS (
    SELECT count(*) AS n, extract(epoch FROM clock_timestamp() - min(ended_at))::float8 AS seconds FROM (
        SELECT ended_at FROM pipeline_runs
        WHERE ended_at > clock_timestamp() - interval '{PACE_MINUTES} minutes' AND started_at IS NOT NULL
        ORDER BY ended_at DESC LIMIT {PACE_RUNS}
    ) AS lately
)
SELECT 1 + ahead.n AS position,
       CASE WHEN pace.n >= {FEWEST_ENDED} THEN (1 + ahead.n) * pace.seconds / pace.n END AS starts_in,
       (SELECT sum(s.p50) FROM stage_stats AS s
        WHERE s.stage = ANY(ARRAY(SELECT unnest(stages) FROM mine)) AND s.samples >= {FEWEST_SAMPLES}
        HAVING count(*) = (SELECT cardinality(stages) FROM mine)) AS takes
FROM ahead, pace
""")  # noqa: S608 - constants of ours

# The row by which the claim is refused (pipeline/runs/controls.py), and the request that the run's worker looks for.
_HALTS = text("""
SELECT p.requested_at AS paused_at, p.requested_by AS paused_by,
       CASE WHEN r.status = 'RUNNING' THEN r.cancel_requested_at END AS cancel_requested_at,
       coalesce(r.next_attempt_at <= clock_timestamp(), false) AS is_due
FROM (SELECT) AS one
LEFT JOIN controls AS p ON p.name = 'pause' AND p.requested_at > coalesce(p.taken_at, '-infinity')
LEFT JOIN pipeline_runs AS r ON r.id = :run_id
""")

_UNSEEN = text("""
SELECT (SELECT max(ended_at) FROM sync_runs WHERE kind = 'TAIL' AND outcome = 'DONE') AS looked_at,
       (SELECT backfilled_at IS NOT NULL FROM sync_state) AS backfilled,
       (SELECT error FROM sync_rejects WHERE record_key = :hubspot_deal_id) AS rejected
""")


class Unseen(NamedTuple):
    """Of a deal that is not here: when the sync last looked, and why it could not read the deal's record."""

    looked_at: datetime | None
    backfilled: bool | None
    rejected: str | None


class Halts(NamedTuple):
    """Since when the queue is paused, and by whom; when somebody has asked for the end of the run that is under way.

    `is_due`: the time of its next attempt has come.
    """

    paused_at: datetime | None
    paused_by: str | None
    cancel_requested_at: datetime | None
    is_due: bool


async def place_of(database: Database, run_id: int) -> Place:
    rows = await database.run(_PLACE, {"run_id": run_id})
    return Place._make(rows[0])


async def halts_of(database: Database, run_id: int) -> Halts:
    rows = await database.run(_HALTS, {"run_id": run_id})
    return Halts._make(rows[0])


async def unseen(database: Database, hubspot_deal_id: str) -> Unseen:
    rows = await database.run(_UNSEEN, {"hubspot_deal_id": hubspot_deal_id})
    return Unseen._make(rows[0])
