"""The position of a run in the queue, and an estimate of when it starts."""

from typing import NamedTuple

from sqlalchemy import text

from core.database import Database
from models import FEWEST_SAMPLES
from models.conditions import QUEUE

# A position further back is not counted exactly.
MAX_COUNTED = 1_000
# The throughput is measured over at most this many runs, which ended within so many minutes.
THROUGHPUT_RUNS = 200
THROUGHPUT_MINUTES = 10
# Fewer ended runs give no estimate.
MIN_ENDED_RUNS = 5
# Sorts after every job's id.
_LAST = 2**63 - 1


class QueuePosition(NamedTuple):
    """`position` is 1 for the next run and 1,001 for any behind a thousand; `starts_in` is None without an estimate.

    `takes` is the sum of the median durations of the stages that are left; None if one of them has no median. Both are
    seconds.
    """

    position: int
    starts_in: float | None
    takes: float | None


# Workers fetch jobs, and a job's priority may differ from its run's: the run is overdue, or was requeued after a crash.
# The jobs are read as Procrastinate reads them, by its index, up to the limit. A run whose job was delivered during a
# pause has no job until the queue is resumed; its new job comes after those of equal priority
# (pipeline/operations/pause.py).
_POSITION = text(f"""
WITH mine AS (
    SELECT coalesce(j.queue_name, '{QUEUE}') AS queue, coalesce(j.priority, r.priority) AS priority,
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
        ORDER BY j.priority DESC, j.id LIMIT {MAX_COUNTED}
    ) AS front
    WHERE front.priority > mine.priority OR (front.priority = mine.priority AND front.id < mine.job_id)
), rate AS (
    SELECT count(*) AS n, extract(epoch FROM clock_timestamp() - min(ended_at))::float8 AS seconds FROM (
        SELECT ended_at FROM pipeline_runs
        WHERE ended_at > now() - interval '{THROUGHPUT_MINUTES} minutes' AND started_at IS NOT NULL
        ORDER BY ended_at DESC LIMIT {THROUGHPUT_RUNS}
    ) AS recent
)
SELECT 1 + ahead.n AS position,
       CASE WHEN rate.n >= {MIN_ENDED_RUNS} THEN (1 + ahead.n) * rate.seconds / rate.n END AS starts_in,
       (SELECT sum(s.p50) FROM stage_stats AS s
        WHERE s.stage = ANY(ARRAY(SELECT unnest(stages) FROM mine)) AND s.samples >= {FEWEST_SAMPLES}
        HAVING count(*) = (SELECT cardinality(stages) FROM mine)) AS takes
FROM ahead, rate
""")  # noqa: S608 - constants of ours


async def queue_position(database: Database, run_id: int) -> QueuePosition:
    rows = await database.run(_POSITION, {"run_id": run_id})
    return QueuePosition._make(rows[0])
