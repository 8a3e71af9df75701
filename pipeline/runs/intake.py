"""One page of deals from HubSpot: deals, runs and jobs by one statement, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm.properties import ACTIVITY
from models.conditions import OWN_ACTIVITY_SECONDS
from models.stages import StageNames, dump_stages
from pipeline.queue import DEFERRED_JOBS, Priority, wake_after
from pipeline.runs.starting import WITHOUT_LIMIT
from pipeline.runs.synced_deal import COLUMNS, FIELDS, SHOWN, VERSION, SyncedDeal, as_table, listed, page_arrays


@dataclass(frozen=True, slots=True)
class PageCounts:
    """Of deals: `changed` counts those stored again, `touched` those of which only the modification time was stored.

    `archived` are the changed deals that were moved to the recycle bin, `backdated` those whose modification time went
    back. `started` counts the new runs that are queued and not backfilled, `held` those that wait for approval.
    `doubtful` are the deals that a search shows otherwise than they are stored, without proof that it is newer.
    """

    new: int = 0
    changed: int = 0
    touched: int = 0
    archived: int = 0
    started: int = 0
    held: int = 0
    backdated: int = 0
    doubtful: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        return self.new + self.changed + self.touched


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """`stages` are those of the new runs; a change of one of the properties `rerun_on` requests another run.

    With `write_back`, an activity that is found while the deal is written back is our own.
    """

    stages: StageNames
    rerun_on: tuple[str, ...] = ()
    write_back: bool = False


def _text_of(moment: str) -> str:
    """The moment as HubSpot writes it."""
    return f"""to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _is_newer(page: str, read_at: str) -> str:
    """Whether the page is newer than `d`, the stored deal.

    Of two readings of HubSpot's store the one that was requested later wins, whatever their modification times are. A
    search may show what its index knew before: it wins with a later modification time or, for edits within one
    millisecond, with the same one if it was requested later and the deal is not archived here, which moves no time.
    A deal that was merged or purged is restored by departures.unmark only: HubSpot's index may show it for a while.
    """
    # CASE, because the planner then expects half of the rows. With AND it expects one row of a table without statistics
    # and joins each row of a page with every other (measured: a page of new deals took half as long again).
    return f"""CASE WHEN d.merged_into IS NULL AND d.purged_at IS NULL
       THEN {page}.hubspot_modified_at > greatest(d.hubspot_modified_at, d.superseded_modified_at)
         OR ({read_at} > d.properties_read_at AND CASE WHEN CAST(:searched AS boolean)
             THEN {page}.hubspot_modified_at = d.hubspot_modified_at AND {page}.content_hash <> d.content_hash
                  AND d.archived_at IS NULL
             ELSE ({page}.hubspot_modified_at, {page}.content_hash) <> (d.hubspot_modified_at, d.content_hash) END)
       ELSE false END"""


# BACKFILL_PROCESS has left the deal out, and still does: `excluded.status` is that of a run of the deal if it were new.
_IS_LEFT_OUT = """(excluded.status = 'SKIPPED' AND EXISTS (
                SELECT FROM pipeline_runs AS r WHERE r.id = d.latest_run_id AND r.reason = 'NOT_SELECTED'))"""

# The new value of property `k` is the time of a note or task of ours. Compared as text, in HubSpot's form of times: a
# value may be no time at all. While the deal is written back, its note may be there before the run says so.
_IS_OURS = f"""(k = '{ACTIVITY}' AND (
                    CAST(:write_back AS boolean) AND d.status = 'RUNNING' AND d.current_stage = 'write_back'
                    OR EXISTS (
                        SELECT FROM unnest(d.own_activity) AS o (at)
                        WHERE (excluded.properties ->> k) COLLATE "C"
                              BETWEEN {_text_of(f"o.at - interval '{OWN_ACTIVITY_SECONDS} seconds'")}
                                  AND {_text_of(f"o.at + interval '{OWN_ACTIVITY_SECONDS} seconds'")})))"""

_SELECTED = listed("f.").replace("f.properties", "f.properties::jsonb").replace("f.unreadable", "f.unreadable::jsonb")
_READ_AT = "CAST(:read_at AS timestamptz)"
_IS_NEWS = f"d.id IS NULL OR {_is_newer('p', _READ_AT)}"

# Nearly every deal of nearly every page is stored already. Three of nineteen columns show that; only they are sent.
_NEWS = text(f"""
SELECT array_agg(p.hubspot_deal_id) FILTER (WHERE {_IS_NEWS}) AS news, array_agg(p.hubspot_deal_id) FILTER (
    WHERE NOT ({_IS_NEWS}) AND d.merged_into IS NULL AND d.purged_at IS NULL
      AND p.content_hash <> d.content_hash AND {_READ_AT} > d.properties_read_at) AS doubtful
FROM {as_table(VERSION)} AS p ({listed("", VERSION)}) LEFT JOIN deals AS d USING (hubspot_deal_id)
""")

# The anti-join comes first: an unchanged deal is neither locked nor written, so that a page that was read before
# costs no WAL. New deals get their run's id beforehand, because a statement cannot update a row that it inserts.
# DISTINCT ON: a page may contain a deal twice; the later modification wins.
# A deal that HubSpot has restored is processed again if its departure had ended its run.
_STORE_PAGE = text(f"""
WITH page AS (
    SELECT DISTINCT ON (p.hubspot_deal_id) p.*
    FROM {as_table()} AS p ({listed("", FIELDS)})
    ORDER BY p.hubspot_deal_id, p.hubspot_modified_at DESC
), fresh AS (
    SELECT p.*, d.content_hash IS DISTINCT FROM p.content_hash AS differs,
           d.id IS NOT NULL AND d.archived_at IS NULL AND p.archived_at IS NOT NULL AS departs,
           d.hubspot_modified_at > p.hubspot_modified_at AS goes_back,
           CASE WHEN d.id IS NULL THEN nextval(pg_get_serial_sequence('pipeline_runs', 'id')) END AS run_id
    FROM page AS p LEFT JOIN deals AS d USING (hubspot_deal_id)
    WHERE {_IS_NEWS}
), stored AS (
    INSERT INTO deals AS d ({listed("")}, properties_read_at, status, latest_run_id)
    SELECT {_SELECTED}, :read_at, f.run_status::run_status, f.run_id FROM fresh AS f ORDER BY f.hubspot_deal_id
    ON CONFLICT (hubspot_deal_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])},
        properties_read_at = excluded.properties_read_at,
        superseded_modified_at = CASE
            WHEN greatest(d.hubspot_modified_at, d.superseded_modified_at) > excluded.hubspot_modified_at
            THEN greatest(d.hubspot_modified_at, d.superseded_modified_at) END,
        rerun_wanted_at = CASE
            WHEN excluded.archived_at IS NOT NULL THEN NULL
            WHEN d.archived_at IS NOT NULL AND EXISTS (
                SELECT FROM pipeline_runs AS r
                WHERE r.id = d.latest_run_id AND r.reason IN ('ARCHIVED', 'MERGED', 'NOT_FOUND'))
              OR EXISTS (
                SELECT FROM unnest(CAST(:rerun_on AS text[])) AS k
                WHERE d.properties ->> k IS DISTINCT FROM excluded.properties ->> k AND NOT {_IS_OURS})
              AND NOT {_IS_LEFT_OUT}
            THEN clock_timestamp()
            ELSE d.rerun_wanted_at END,
        updated_at = CASE
            WHEN ({listed("d.", SHOWN)}) IS DISTINCT FROM ({listed("excluded.", SHOWN)}) THEN clock_timestamp()
            ELSE d.updated_at END
    -- Again, for a deal that another transaction has just stored: the anti-join has not seen it.
    WHERE {_is_newer("excluded", "excluded.properties_read_at")}
    RETURNING d.id, d.hubspot_deal_id, d.latest_run_id AS run_id, (d.xmax = 0) AS inserted
), made AS (
    SELECT s.id AS deal_id, s.run_id, f.run_status, f.run_reason, f.run_priority AS priority,
           f.run_status = 'QUEUED' AND f.run_priority > {int(Priority.BACKFILL)} AND row_number() OVER (
               PARTITION BY f.run_status = 'QUEUED' AND f.run_priority > {int(Priority.BACKFILL)} ORDER BY s.id
           ) > CAST(:hold_after AS integer) AS held
    FROM stored AS s JOIN fresh AS f USING (hubspot_deal_id) WHERE s.inserted
), wanted AS (
    SELECT m.deal_id, m.run_id, m.priority, NULL::timestamptz AS next_attempt_at,
           row_number() OVER (ORDER BY m.deal_id) AS n
    FROM made AS m WHERE m.run_status = 'QUEUED' AND NOT m.held
), jobs AS ({DEFERRED_JOBS}), runs AS (
    INSERT INTO pipeline_runs (id, deal_id, number, trigger, priority, status, reason, stages, job_id, ended_at)
    SELECT m.run_id, m.deal_id, 1, 'NEW', m.priority, m.run_status::run_status,
           CASE WHEN m.held THEN 'HELD' ELSE m.run_reason::run_reason END, CAST(:stages AS jsonb), j.job_id,
           CASE WHEN m.run_status <> 'QUEUED' THEN clock_timestamp() END
    FROM made AS m LEFT JOIN wanted AS w USING (run_id) LEFT JOIN jobs AS j USING (n)
    RETURNING id, status, reason, priority
)
SELECT (SELECT count(*) FROM runs) AS new,
       (SELECT count(*) FROM stored AS s JOIN fresh AS f USING (hubspot_deal_id) WHERE NOT inserted AND differs)
           AS changed,
       (SELECT count(*) FROM stored AS s JOIN fresh AS f USING (hubspot_deal_id) WHERE NOT inserted AND NOT differs)
           AS touched,
       (SELECT count(*) FROM stored AS s JOIN fresh AS f USING (hubspot_deal_id) WHERE departs) AS archived,
       (SELECT count(*) FROM runs WHERE status = 'QUEUED' AND reason IS NULL
            AND priority > {int(Priority.BACKFILL)}) AS started,
       (SELECT count(*) FROM runs WHERE reason = 'HELD') AS held,
       (SELECT count(*) FROM stored AS s JOIN fresh AS f USING (hubspot_deal_id) WHERE differs AND goes_back)
           AS backdated
""")


async def store_page(
    session: AsyncSession,
    deals: Sequence[SyncedDeal],
    rules: IntakeRules,
    *,
    read_at: datetime,
    searched: bool = False,
    hold_after: int = WITHOUT_LIMIT,
) -> PageCounts:
    """Store a page that was requested at `read_at`; each deal that is not stored yet gets its NEW run and a job for it.

    `searched`: it comes from HubSpot's search index, not from its store by list or by id.
    Of the new runs, backfilled ones apart, the first `hold_after` are queued; the others are held and have no job.
    """
    if not deals:
        return PageCounts()
    parameters = {**page_arrays(deals, VERSION), "read_at": read_at, "searched": searched}
    found = (await session.execute(_NEWS, parameters)).one()
    doubtful = tuple(found.doubtful or ()) if searched else ()
    if not found.news:
        return PageCounts(doubtful=doubtful)
    # A change between that statement and the next is found by the next sync.
    ids = set(found.news)
    news = [deal for deal in deals if deal.hubspot_deal_id in ids]
    stored = await session.execute(_STORE_PAGE, page_parameters(news, rules, read_at, searched, hold_after))
    counts = replace(PageCounts(*stored.one()), doubtful=doubtful)
    if counts.new:
        wake_after(session)
    return counts


def page_parameters(
    deals: Sequence[SyncedDeal],
    rules: IntakeRules,
    read_at: datetime,
    searched: bool = False,
    hold_after: int = WITHOUT_LIMIT,
) -> dict[str, object]:
    return {
        **page_arrays(deals),
        "stages": dump_stages(rules.stages),
        "rerun_on": list(rules.rerun_on),
        "write_back": rules.write_back,
        "read_at": read_at,
        "searched": searched,
        "hold_after": max(hold_after, 0),
    }
