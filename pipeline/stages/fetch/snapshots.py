"""deal_snapshots: which waiting deals are read in one batch, and what was read of them. All statements on the table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import TextClause, text

from core.database import Database
from core.direct import Statement
from models.conditions import is_queued, next_turns

# How long a snapshot may be used. The sync reads what changes meanwhile, and starts another run where that matters.
FRESH_SECONDS = 60
# How long a reservation holds: a batch that has stored nothing by then has failed.
RESERVED_SECONDS = 20
# Including the deal that is read in any case: HubSpot takes a hundred ids in one call.
BATCH = 100
# Of the queue's runs, the first ones: up to two batches of them have snapshots already.
LOOKED_AT = 4 * BATCH
# A batch costs at least seven calls, a deal by itself at most four.
MIN_BATCH = 3


class WaitingDeal(NamedTuple):
    deal_id: int
    hubspot_deal_id: str


class Snapshot(NamedTuple):
    """`content` is None while the batch that reserved the deal is reading it."""

    read_at: datetime
    content: dict[str, Any] | None


_IS_FRESH = f"""s.read_at > clock_timestamp()
    - CASE WHEN s.content IS NULL THEN {RESERVED_SECONDS} ELSE {FRESH_SECONDS} END * interval '1 second'"""

# A snapshot is used once, and only by a run that is older than it: a person who retries a deal has changed something.
# It is not used either when the sync has read a newer version of the deal since, or one that superseded this one
# although it was modified earlier.
_TAKE = Statement(f"""
WITH known AS (
    SELECT s.deal_id, s.read_at, s.content
    FROM deal_snapshots AS s JOIN deals AS d ON d.id = s.deal_id JOIN pipeline_runs AS r ON r.id = d.latest_run_id
    WHERE s.deal_id = :deal_id AND {_IS_FRESH}
      AND (s.content IS NULL OR (s.modified_at >= d.hubspot_modified_at AND s.read_at >= r.created_at
           AND (d.superseded_modified_at IS NULL OR s.modified_at > d.superseded_modified_at)))
), used AS (
    DELETE FROM deal_snapshots AS s USING known AS k WHERE s.deal_id = k.deal_id AND k.content IS NOT NULL
)
SELECT read_at, content FROM known
""")  # noqa: S608 - two numbers of ours

# Whether a run waits for access that its `fetch` was refused: a batch would be refused as well. One run of each thing
# that is waited for is looked at.
_IS_REFUSED = f"""EXISTS (
    SELECT FROM ({next_turns()}) AS w JOIN steps AS s ON s.run_id = w.id
    WHERE s.stage = 'fetch' AND s.status = 'FAILED')"""

# The head of the queue in its order, without the deals that have a fresh snapshot or reservation. A limit on the inside
# keeps the cost that of some hundred runs, however many there are.
_HEAD = f"""
    SELECT r.deal_id FROM (
        SELECT r.id, r.deal_id, r.priority FROM pipeline_runs AS r WHERE {is_queued()}
        ORDER BY r.priority DESC, r.id LIMIT {LOOKED_AT}
    ) AS r
    WHERE NOT EXISTS (SELECT FROM deal_snapshots AS s WHERE s.deal_id = r.deal_id AND {_IS_FRESH})
      AND NOT EXISTS (SELECT FROM steps AS s WHERE s.run_id = r.id AND s.stage = 'fetch' AND s.status = 'DONE')
    ORDER BY r.priority DESC, r.id LIMIT {BATCH}"""  # noqa: S608 - numbers of ours

# Claimed runs whose first stage, fetch, has not begun yet (`s` is NULL then), or is running.
_STARTING = """
    SELECT 1 AS rank, r.deal_id FROM pipeline_runs AS r LEFT JOIN steps AS s ON s.run_id = r.id AND s.position = 0
    WHERE r.status = 'RUNNING' AND r.stages -> 0 ->> 'key' = 'fetch'"""
# The deal itself, then those whose fetch starts now, then the queue; none while another batch is reading the deal.
_WITH_DEAL = f"""
    SELECT 0 AS rank, CAST(:deal_id AS bigint) AS deal_id
    UNION ALL {_STARTING} AND coalesce(s.status, 'RUNNING') = 'RUNNING' AND r.deal_id <> :deal_id
    UNION ALL SELECT 2, deal_id FROM head WHERE deal_id <> :deal_id"""  # noqa: S608 - SQL of ours
# Those whose fetch is running have used their snapshots up.
_WITHOUT_DEAL = f"""
    {_STARTING} AND s.status IS NULL
      AND NOT EXISTS (SELECT FROM deal_snapshots AS k WHERE k.deal_id = r.deal_id)
    UNION ALL SELECT 2, deal_id FROM head"""  # noqa: S608 - SQL of ours


def _reserving(wanted: str, fewest: int, condition: str = "true") -> str:
    return f"""
WITH head AS ({_HEAD}
), batch AS (
    SELECT DISTINCT ON (rank, deal_id) rank, deal_id FROM ({wanted}
    ) AS wanted JOIN deals AS d ON d.id = deal_id AND d.archived_at IS NULL ORDER BY rank, deal_id LIMIT {BATCH}
), reserved AS (
    INSERT INTO deal_snapshots AS s (deal_id, read_at)
    SELECT deal_id, clock_timestamp() FROM batch
    WHERE NOT {_IS_REFUSED} AND (SELECT count(*) FROM batch) >= {fewest} AND {condition} ORDER BY deal_id
    ON CONFLICT (deal_id) DO UPDATE SET read_at = excluded.read_at, modified_at = NULL, content = NULL
    WHERE NOT ({_IS_FRESH})
    RETURNING deal_id
)
SELECT d.id AS deal_id, d.hubspot_deal_id FROM reserved AS r JOIN deals AS d ON d.id = r.deal_id ORDER BY d.id
"""  # noqa: S608 - numbers and SQL of ours


_IS_FREE = f"NOT EXISTS (SELECT FROM deal_snapshots AS s WHERE s.deal_id = :deal_id AND {_IS_FRESH})"
_RESERVE = text(_reserving(_WITH_DEAL, MIN_BATCH, _IS_FREE))
_RESERVE_NEXT = text(_reserving(_WITHOUT_DEAL, BATCH))
# One after the other: two at once would want the same deals, and one of them would get what the other one leaves. Other
# statements on the table do not wait. Planned each time: the plan of a few runs would read thousands of steps.
_BEFORE_RESERVING = (
    text("SET LOCAL plan_cache_mode = force_custom_plan"),
    text("LOCK TABLE deal_snapshots IN SHARE UPDATE EXCLUSIVE MODE"),
)

_STORE = text("""
UPDATE deal_snapshots AS s SET modified_at = p.modified_at, content = p.content::jsonb
FROM unnest(CAST(:deal_ids AS bigint[]), CAST(:modified AS timestamptz[]), CAST(:contents AS text[]))
    AS p (deal_id, modified_at, content)
WHERE s.deal_id = p.deal_id AND s.content IS NULL
""")

# The reservations of these deals, and every snapshot that is too old to be used.
_RELEASE = text(f"""
DELETE FROM deal_snapshots WHERE deal_id IN (
    SELECT s.deal_id FROM deal_snapshots AS s
    WHERE s.content IS NULL AND s.deal_id = ANY(CAST(:deal_ids AS bigint[])) OR NOT ({_IS_FRESH})
    FOR UPDATE SKIP LOCKED
)
""")  # noqa: S608 - two numbers of ours


async def take(database: Database, deal_id: int) -> Snapshot | None:
    """Use up the deal's snapshot, or find the reservation; None when there is neither that a run may use."""
    rows = await database.fetch(_TAKE, {"deal_id": deal_id})
    return Snapshot(rows[0]["read_at"], rows[0]["content"]) if rows else None


async def reserve(database: Database, deal_id: int) -> list[WaitingDeal]:
    """The deals to read in one batch now, this one among them; none where a batch would save no calls, or reads it."""
    return await _reserved(database, _RESERVE, {"deal_id": deal_id})


async def reserve_next(database: Database) -> list[WaitingDeal]:
    """The deals to read after those that are reserved or read already; none while they are fewer than a whole batch."""
    return await _reserved(database, _RESERVE_NEXT, {})


async def _reserved(database: Database, statement: TextClause, values: Mapping[str, object]) -> list[WaitingDeal]:
    async with database.write() as session:
        for before in _BEFORE_RESERVING:
            await session.execute(before)
        return [WaitingDeal._make(row) for row in await session.execute(statement, values)]


async def store(database: Database, read: Sequence[tuple[int, datetime, dict[str, object]]]) -> None:
    """Store for each reserved deal when HubSpot had last modified it, and its content."""
    if read:
        ids, modified, contents = zip(*read, strict=True)
        stored = [orjson.dumps(content).decode() for content in contents]
        await database.run(_STORE, {"deal_ids": list(ids), "modified": list(modified), "contents": stored})


async def release(database: Database, deal_ids: Sequence[int]) -> None:
    """Release what is still reserved of these deals; their stored snapshots stay."""
    await database.run(_RELEASE, {"deal_ids": list(deal_ids)})
