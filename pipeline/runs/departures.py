"""Deals that HubSpot has archived, merged into another one, or purged. Their active runs end as SKIPPED.

Each is written in the transaction of the page that reports it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunReason
from models.conditions import is_active
from pipeline.runs.sql import closed_attempts, closed_steps, shown_on_deals

# The epoch moves: a worker that processes one of them stops at its next write.
_CALL_OFF = text(f"""
WITH called_off AS (
    UPDATE pipeline_runs AS r
    SET status = 'SKIPPED', reason = CAST(:reason AS run_reason), epoch = r.epoch + 1, lease_until = NULL,
        next_attempt_at = NULL, ended_at = clock_timestamp()
    FROM deals AS d
    WHERE d.hubspot_deal_id = ANY(CAST(:ids AS text[])) AND r.deal_id = d.id AND {is_active()}
    RETURNING r.id, r.deal_id
), steps_closed AS ({closed_steps("called_off", status="'SKIPPED'")}
), attempts_closed AS ({
    closed_attempts("called_off", error_type="CalledOff", message="HubSpot no longer has the deal.")
})
{shown_on_deals("called_off", "status = 'SKIPPED'", returning="d.id")}
""")

_NEXT = """coalesce((SELECT g.successor FROM given AS g WHERE g.id = p.heir),
             (SELECT h.merged_into FROM deals AS h WHERE h.hubspot_deal_id = p.heir))"""
# Merged deals whose last successor is not the stored one. A record in the recycle bin names the deals that were merged
# into it before it was merged itself: they follow it to its own successor. A circle has no last successor.
_HEIRS = text(f"""
WITH RECURSIVE given AS (
    SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:successors AS text[])) AS g (id, successor)
), path (id, heir) AS (
    SELECT id, successor FROM given
    UNION SELECT p.id, {_NEXT} FROM path AS p WHERE {_NEXT} IS NOT NULL
)
SELECT p.id, p.heir FROM path AS p JOIN deals AS d ON d.hubspot_deal_id = p.id
WHERE d.merged_into IS DISTINCT FROM p.heir AND {_NEXT} IS NULL
""")

_MERGED = text("""
UPDATE deals AS d
SET merged_into = p.successor, purged_at = NULL, archived_at = coalesce(d.archived_at, clock_timestamp()),
    rerun_wanted_at = NULL, properties_read_at = greatest(d.properties_read_at, :read_at),
    updated_at = clock_timestamp()
FROM unnest(CAST(:ids AS text[]), CAST(:successors AS text[])) AS p (id, successor)
WHERE d.hubspot_deal_id = p.id AND d.merged_into IS DISTINCT FROM p.successor
RETURNING d.id
""")

# A merged deal is not found under its own id either, once the deal that it was merged into is gone.
_PURGED = text("""
UPDATE deals AS d
SET purged_at = clock_timestamp(), archived_at = coalesce(d.archived_at, clock_timestamp()), rerun_wanted_at = NULL,
    properties_read_at = greatest(d.properties_read_at, :read_at), updated_at = clock_timestamp()
WHERE d.hubspot_deal_id = ANY(CAST(:ids AS text[])) AND d.purged_at IS NULL AND d.merged_into IS NULL
RETURNING d.id
""")

# Without a hash the deal counts as changed, whatever is read: archiving and merging do not move the modification time.
_UNMARK = text("""
UPDATE deals AS d SET merged_into = NULL, purged_at = NULL, content_hash = ''
WHERE d.hubspot_deal_id = ANY(CAST(:ids AS text[])) AND d.properties_read_at < :read_at
  AND (d.merged_into IS NOT NULL OR d.purged_at IS NOT NULL)
RETURNING d.id
""")


async def call_off(session: AsyncSession, hubspot_deal_ids: Sequence[str], reason: RunReason) -> int:
    """End the active runs of these deals as SKIPPED; how many. Call it before the deals themselves are written."""
    if not hubspot_deal_ids:
        return 0
    return len((await session.execute(_CALL_OFF, {"ids": list(hubspot_deal_ids), "reason": reason})).all())


async def mark_merged(session: AsyncSession, successors: Mapping[str, str], read_at: datetime) -> int:
    """Record into which deal each of these was merged; how many are new. Deals that are not stored are ignored.

    If that deal was merged too, its own successor is recorded.
    """
    if not successors:
        return 0
    given = {"ids": list(successors), "successors": list(successors.values())}
    heirs = {row.id: row.heir for row in await session.execute(_HEIRS, given)}
    if not heirs:
        return 0
    await call_off(session, list(heirs), RunReason.MERGED)
    parameters = {"ids": list(heirs), "successors": list(heirs.values()), "read_at": read_at}
    return len((await session.execute(_MERGED, parameters)).all())


async def mark_purged(session: AsyncSession, hubspot_deal_ids: Sequence[str], read_at: datetime) -> int:
    """Record that HubSpot no longer has these, not even in its recycle bin; how many are new."""
    if not hubspot_deal_ids:
        return 0
    await call_off(session, hubspot_deal_ids, RunReason.NOT_FOUND)
    return len((await session.execute(_PURGED, {"ids": list(hubspot_deal_ids), "read_at": read_at})).all())


async def unmark(session: AsyncSession, hubspot_deal_ids: Sequence[str], read_at: datetime) -> int:
    """Remove the marks of deals that HubSpot's store has, as it was read at `read_at`; how many. Store them then."""
    if not hubspot_deal_ids:
        return 0
    return len((await session.execute(_UNMARK, {"ids": list(hubspot_deal_ids), "read_at": read_at})).all())
