"""The status of the sync with HubSpot, by one statement."""

import orjson
from sqlalchemy import text

from core.database import Database
from core.failures import SHOWN_SECONDS
from models.conditions import is_held, waits_for_access
from models.sync_runs import newest_of_each_kind
from resolvers.missing_deal import LAST_SYNC_AT
from resolvers.rows import AccessWaitRow, StoppedProcessRow, SyncStatusRow

# `newest` has the newest sync of each kind, `ended` the newest that has ended: a kind that failed is reported until it
# succeeds. Each is found by an index, however many syncs there were; of a kind only the newest can be RUNNING. The lag
# is the age of the oldest change that may not have been read yet, provided that HubSpot's search index is complete by
# then.
_STATUS = text(f"""
WITH newest AS ({newest_of_each_kind("s.id, s.outcome, s.backlog")}), ended AS (
    {newest_of_each_kind("s.kind, s.outcome, s.ended_at, s.error", where="s.ended_at IS NOT NULL")}
)
SELECT ({LAST_SYNC_AT}) AS last_sync_at,
       (SELECT error FROM ended WHERE outcome = 'FAILED' ORDER BY ended_at DESC LIMIT 1) AS last_error,
       (SELECT ended_at + make_interval(secs => :interval_seconds) FROM ended WHERE kind = 'TAIL') AS next_sync_at,
       (SELECT extract(epoch FROM clock_timestamp() - tail_from)::float FROM sync_state) AS lag_seconds,
       (SELECT backlog FROM newest WHERE outcome = 'RUNNING' ORDER BY id DESC LIMIT 1) AS backlog,
       (SELECT backfilled_at IS NOT NULL FROM sync_state) AS backfilled,
       (SELECT count(*) FROM pipeline_runs AS r WHERE {is_held()}) AS held_deals,
       (SELECT count(*) FROM sync_rejects) AS rejected_records,
       (SELECT remaining FROM rate_budgets WHERE policy = 'daily') AS calls_left_today,
       (SELECT jsonb_agg(jsonb_build_array(w.waits_for, w.runs) ORDER BY w.runs DESC, w.waits_for)::text FROM (
            SELECT r.waits_for, count(*) AS runs FROM pipeline_runs AS r WHERE {waits_for_access()} GROUP BY r.waits_for
        ) AS w) AS access_waits,
       (SELECT jsonb_agg(jsonb_build_array(f.process, f.host, f.reason) ORDER BY f.process, f.host)::text
        FROM process_failures AS f WHERE f.failed_at > now() - make_interval(secs => {SHOWN_SECONDS})
       ) AS stopped_processes
""")  # noqa: S608 - a constant of ours


async def sync_status(database: Database, *, interval_seconds: int) -> SyncStatusRow:
    """`last_error` is the newest error among the kinds whose last sync failed."""
    rows = await database.run(_STATUS, {"interval_seconds": interval_seconds})
    waits = [AccessWaitRow._make(wait) for wait in orjson.loads(rows[0].access_waits or "[]")]
    stopped = [StoppedProcessRow._make(process) for process in orjson.loads(rows[0].stopped_processes or "[]")]
    return SyncStatusRow._make([*rows[0][:-2], waits, stopped])
