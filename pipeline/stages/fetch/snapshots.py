"""deal_snapshots: which waiting deals are read in one batch, and what was read of them. Every statement of theirs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text

from core.database import Database

# A deal that changes within it is read by the sync, and processed again where that matters.
FRESH_SECONDS = 60
# After that nobody reads the deal any more, whoever said so.
RESERVED_SECONDS = 15
# With the deal that is read anyhow: one batch of HubSpot's.
BATCH = 100
# A batch costs seven calls at least, a deal by itself four at most.
FEWEST = 3


class Waiting(NamedTuple):
    deal_id: int
    hubspot_deal_id: str


class Taken(NamedTuple):
    """Without `content` the deal is being read."""

    read_at: datetime
    content: dict[str, Any] | None


_IS_FRESH = f"""s.read_at > clock_timestamp()
    - CASE WHEN s.content IS NULL THEN {RESERVED_SECONDS} ELSE {FRESH_SECONDS} END * interval '1 second'"""

# Used once, and only by a run that was asked for before it was read: who asks for a deal to be processed again has
# changed something. What the sync has read since is newer than the snapshot, too.
_TAKE = text(f"""
WITH known AS (
    SELECT s.deal_id, s.read_at, s.content
    FROM deal_snapshots AS s JOIN deals AS d ON d.id = s.deal_id JOIN pipeline_runs AS r ON r.id = d.latest_run_id
    WHERE s.deal_id = :deal_id AND {_IS_FRESH}
      AND (s.content IS NULL OR (s.modified_at >= d.hubspot_modified_at AND s.read_at >= r.created_at))
), used AS (
    DELETE FROM deal_snapshots AS s USING known AS k WHERE s.deal_id = k.deal_id AND k.content IS NOT NULL
)
SELECT read_at, content FROM known
""")  # noqa: S608 - two numbers of ours

# The deal itself, those whose first stage begins at this moment, then the queue in its order; for those that somebody
# has read or reads, nothing. In the order of ids, so that two who reserve at once do not wait for each other.
_RESERVE = text(f"""
WITH starting AS (
    SELECT r.deal_id FROM pipeline_runs AS r JOIN steps AS s ON s.run_id = r.id
    WHERE r.status = 'RUNNING' AND s.position = 0 AND s.status = 'RUNNING' AND s.stage = 'fetch'
), head AS (
    SELECT r.deal_id FROM pipeline_runs AS r
    WHERE r.status = 'QUEUED' AND r.reason IS DISTINCT FROM 'HELD'
      AND NOT EXISTS (SELECT FROM deal_snapshots AS s WHERE s.deal_id = r.deal_id AND {_IS_FRESH})
      AND NOT EXISTS (SELECT FROM steps AS s WHERE s.run_id = r.id AND s.stage = 'fetch' AND s.status = 'DONE')
    ORDER BY r.priority DESC, r.id LIMIT {BATCH}
), batch AS (
    SELECT DISTINCT ON (turn, deal_id) turn, deal_id FROM (
        SELECT 0 AS turn, CAST(:deal_id AS bigint) AS deal_id
        UNION ALL SELECT 1, deal_id FROM starting WHERE deal_id <> :deal_id
        UNION ALL SELECT 2, deal_id FROM head WHERE deal_id <> :deal_id
    ) AS wanted JOIN deals AS d ON d.id = deal_id AND d.archived_at IS NULL ORDER BY turn, deal_id LIMIT {BATCH}
), reserved AS (
    INSERT INTO deal_snapshots AS s (deal_id, read_at)
    SELECT deal_id, clock_timestamp() FROM batch
    WHERE (SELECT count(*) FROM batch) >= {FEWEST} ORDER BY deal_id
    ON CONFLICT (deal_id) DO UPDATE SET read_at = excluded.read_at, modified_at = NULL, content = NULL
    WHERE NOT ({_IS_FRESH})
    RETURNING deal_id
)
SELECT d.id AS deal_id, d.hubspot_deal_id FROM reserved AS r JOIN deals AS d ON d.id = r.deal_id ORDER BY d.id
""")  # noqa: S608 - numbers of ours

_PUT = text("""
UPDATE deal_snapshots AS s SET modified_at = p.modified_at, content = p.content::jsonb
FROM unnest(CAST(:deal_ids AS bigint[]), CAST(:modified AS timestamptz[]), CAST(:contents AS text[]))
    AS p (deal_id, modified_at, content)
WHERE s.deal_id = p.deal_id AND s.content IS NULL
""")

# And what is so old that nobody will use it.
_DROP = text(f"""
DELETE FROM deal_snapshots WHERE deal_id IN (
    SELECT s.deal_id FROM deal_snapshots AS s
    WHERE s.content IS NULL AND s.deal_id = ANY(CAST(:deal_ids AS bigint[])) OR NOT ({_IS_FRESH})
    FOR UPDATE SKIP LOCKED
)
""")  # noqa: S608 - two numbers of ours


async def take(database: Database, deal_id: int) -> Taken | None:
    """What is known of the deal, once; None when nobody has read it lately, or the sync knows better."""
    rows = await database.run(_TAKE, {"deal_id": deal_id})
    return Taken._make(rows[0]) if rows else None


async def reserve(database: Database, deal_id: int) -> list[Waiting]:
    """The deals to read in one batch now, this one among them; none where a batch would save nothing."""
    return [Waiting._make(row) for row in await database.run(_RESERVE, {"deal_id": deal_id})]


async def put(database: Database, read: Sequence[tuple[int, datetime, dict[str, object]]]) -> None:
    """Store for each deal when HubSpot had modified it, and what was read."""
    if read:
        ids, modified, contents = zip(*read, strict=True)
        stored = [orjson.dumps(content).decode() for content in contents]
        await database.run(_PUT, {"deal_ids": list(ids), "modified": list(modified), "contents": stored})


async def drop(database: Database, deal_ids: Sequence[int]) -> None:
    """These are no longer being read; what was read stays for its minute."""
    await database.run(_DROP, {"deal_ids": list(deal_ids)})
