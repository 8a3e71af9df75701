"""One page of deals from HubSpot: deals, runs and jobs by one statement, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.queue import DEFERRED_JOBS, Priority


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal as the sync read it. `properties` is JSON text; `content_hash` covers all that is stored."""

    hubspot_deal_id: str
    name: str | None
    amount: Decimal | None
    currency: str | None
    hubspot_pipeline: str | None
    hubspot_stage: str | None
    hubspot_stage_label: str | None
    owner_id: str | None
    owner_name: str | None
    close_date: datetime | None
    properties: str
    content_hash: bytes
    hubspot_created_at: datetime | None
    hubspot_modified_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class PageCounts:
    new: int = 0
    changed: int = 0


_SQL_TYPES = {
    "amount": "numeric",
    "content_hash": "bytea",
    "close_date": "timestamptz",
    "hubspot_created_at": "timestamptz",
    "hubspot_modified_at": "timestamptz",
    "archived_at": "timestamptz",
}
_COLUMNS = tuple(field.name for field in fields(DealRow))
# What the queue shows: only a change of one of these moves `updated_at`.
_SHOWN = (
    "name",
    "amount",
    "currency",
    "hubspot_pipeline",
    "hubspot_stage",
    "hubspot_stage_label",
    "owner_name",
    "close_date",
    "archived_at",
)


def _arrays() -> str:
    return ", ".join(f"CAST(:{name} AS {_SQL_TYPES.get(name, 'text')}[])" for name in _COLUMNS)


def _list(prefix: str, names: Sequence[str] = _COLUMNS) -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


def _read(prefix: str) -> str:
    return _list(prefix).replace(f"{prefix}properties", f"{prefix}properties::jsonb")


# The anti-join comes first: an unchanged deal is neither locked nor written, so that a page that was read before
# costs no WAL. New deals take their run's id beforehand, because a statement cannot update a row that it inserts.
# DISTINCT ON: a page in which a deal stands twice is harmless; the later modification holds.
_STORE_PAGE = text(f"""
WITH page AS (
    SELECT DISTINCT ON (p.hubspot_deal_id) p.*
    FROM unnest({_arrays()}) AS p ({_list("")})
    ORDER BY p.hubspot_deal_id, p.hubspot_modified_at DESC
), fresh AS (
    SELECT p.*, CASE WHEN d.id IS NULL THEN nextval(pg_get_serial_sequence('pipeline_runs', 'id')) END AS run_id
    FROM page AS p LEFT JOIN deals AS d USING (hubspot_deal_id)
    WHERE d.id IS NULL
       OR p.hubspot_modified_at > d.hubspot_modified_at
       OR (p.hubspot_modified_at = d.hubspot_modified_at AND p.content_hash <> d.content_hash)
), stored AS (
    INSERT INTO deals AS d ({_list("")}, properties_read_at, status, latest_run_id)
    SELECT {_read("f.")}, clock_timestamp(), 'QUEUED', f.run_id FROM fresh AS f ORDER BY f.hubspot_deal_id
    ON CONFLICT (hubspot_deal_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])},
        properties_read_at = excluded.properties_read_at,
        updated_at = CASE
            WHEN ({_list("d.", _SHOWN)}) IS DISTINCT FROM ({_list("excluded.", _SHOWN)}) THEN clock_timestamp()
            ELSE d.updated_at END
    WHERE excluded.hubspot_modified_at >= d.hubspot_modified_at
    RETURNING d.id, d.latest_run_id AS run_id, (d.xmax = 0) AS inserted
), wanted AS (
    SELECT s.id AS deal_id, s.run_id, CAST(:priority AS integer) AS priority, NULL::timestamptz AS next_attempt_at,
           row_number() OVER (ORDER BY s.id) AS n
    FROM stored AS s WHERE s.inserted
), jobs AS ({DEFERRED_JOBS}), runs AS (
    INSERT INTO pipeline_runs (id, deal_id, number, trigger, priority, status, stages, job_id)
    SELECT w.run_id, w.deal_id, 1, 'NEW', w.priority, 'QUEUED', CAST(:stages AS jsonb), j.job_id
    FROM wanted AS w JOIN jobs AS j USING (n)
    RETURNING id
)
SELECT (SELECT count(*) FROM runs) AS new, (SELECT count(*) FROM stored WHERE NOT inserted) AS changed
""")  # noqa: S608 - made of the field names above


async def store_page(
    session: AsyncSession, deals: Sequence[DealRow], *, stages: str, priority: Priority = Priority.NEW
) -> PageCounts:
    """Store a page; each deal not known yet gets its NEW run and the job for it. `stages` is the runs' JSON."""
    if not deals:
        return PageCounts()
    row = (await session.execute(_STORE_PAGE, page_parameters(deals, stages, priority))).one()
    return PageCounts(new=row.new, changed=row.changed)


def page_parameters(deals: Sequence[DealRow], stages: str, priority: Priority) -> dict[str, object]:
    """One array a column, as unnest takes them."""
    columns = dict(zip(_COLUMNS, map(list, zip(*map(astuple, deals), strict=True)), strict=True))
    return {**columns, "stages": stages, "priority": int(priority)}
