"""What enqueueing costs: pages of new deals with their runs and jobs, alternating with pages of deals alone."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import orjson
from sqlalchemy import TextClause, text

from bench.figures import Figure, at_most, exactly, reported
from core.database import Database
from deploy.postgres import Cluster
from pipeline.runs import intake
from pipeline.runs.intake import IntakeRules, PageCounts, store_page
from pipeline.runs.synced_deal import VERSION, SyncedDeal, page_arrays
from pipeline.stages import STAGE_NAMES

PAGE = 200
ROUNDS = 3
START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_ID = 10_000_000_000
RULES = IntakeRules(stages=STAGE_NAMES)

Store = Callable[[Database, Sequence[SyncedDeal]], Awaitable[None]]


def pages(deals: int) -> Iterator[list[SyncedDeal]]:
    """Pages of deals as HubSpot lists them for a large account: by ascending id, with all requested properties."""
    for first in range(0, deals, PAGE):
        yield [_deal(number) for number in range(first, min(first + PAGE, deals))]


def _deal(number: int) -> SyncedDeal:
    identifier, modified = str(FIRST_ID + 37 * number), START + timedelta(seconds=number)
    properties = {
        "dealname": f"Deal {number} for a customer of some name",
        "amount": f"{number % 90_000}.50",
        "deal_currency_code": "EUR",
        "pipeline": "default",
        "dealstage": "qualifiedtobuy",
        "closedate": modified.isoformat(),
        "createdate": START.isoformat(),
        "hs_lastmodifieddate": modified.isoformat(),
        "hs_object_id": identifier,
        "hubspot_owner_id": str(number % 9),
        "description": "What was agreed upon at the last meeting, and who has to do what until the next one.",
    }
    content = orjson.dumps(properties)
    return SyncedDeal(
        hubspot_deal_id=identifier,
        name=properties["dealname"],
        amount=Decimal(properties["amount"]),
        currency="EUR",
        hubspot_pipeline="default",
        hubspot_stage="qualifiedtobuy",
        hubspot_stage_label="Qualified to buy",
        owner_id=properties["hubspot_owner_id"],
        owner_name="Ada Byron",
        close_date=modified,
        properties=content.decode(),
        content_hash=sha256(content).digest(),
        hubspot_created_at=START,
        hubspot_modified_at=modified,
        archived_at=None,
    )


def _alone() -> TextClause:
    """The product's own statement, truncated after the deals: no run, no job, no number for a run."""
    deals, found, _ = str(intake._STORE_PAGE).partition(", made AS (")
    number = "nextval(pg_get_serial_sequence('pipeline_runs', 'id'))"
    if not found or number not in deals:
        raise AssertionError("The statement that stores a page has changed, so it must be truncated at another place")
    return text(f"{deals.replace(number, 'NULL::bigint')} SELECT count(*) FILTER (WHERE inserted) FROM stored")


_ALONE = _alone()


async def store_alone(database: Database, page: Sequence[SyncedDeal]) -> None:
    parameters = intake.page_parameters(page, RULES, datetime.now(UTC))
    wanted = {name: parameters[name] for name in _ALONE.compile().params}
    async with database.write() as session:
        stored = await session.scalar(_ALONE, wanted)
    if stored != len(page):
        raise AssertionError(f"{stored} of {len(page)} deals were new")


async def store_enqueued(database: Database, page: Sequence[SyncedDeal]) -> None:
    if await _stored(database, page) != PageCounts(new=len(page), started=len(page)):
        raise AssertionError("Not every deal was new and got a run")


async def store_unchanged(database: Database, page: Sequence[SyncedDeal]) -> None:
    if await _stored(database, page) != PageCounts():
        raise AssertionError("An unchanged deal was stored as changed")


async def _stored(database: Database, page: Sequence[SyncedDeal]) -> PageCounts:
    async with database.write() as session:
        return await store_page(session, page, RULES, read_at=datetime.now(UTC))


async def _seconds(database: Database, book: Sequence[Sequence[SyncedDeal]], store: Store) -> float:
    started = time.perf_counter()
    for page in book:
        await store(database, page)
    return time.perf_counter() - started


@asynccontextmanager
async def fresh(cluster: Cluster, template: str, name: str) -> AsyncIterator[Database]:
    """An empty database with all tables."""
    cluster.create_database(name, template=template)
    database = Database.connect(cluster.url(name), name="bench", pool_size=4)
    try:
        yield database
    finally:
        await database.close()


async def _round(
    cluster: Cluster, template: str, number: int, book: list[list[SyncedDeal]]
) -> tuple[float, float, float]:
    """Seconds for the deals alone, for the same deals with runs and jobs, and for reading those again."""
    async with fresh(cluster, template, f"alone_{number}") as database:
        alone = await _seconds(database, book, store_alone)
    async with fresh(cluster, template, f"enqueued_{number}") as database:
        enqueued = await _seconds(database, book, store_enqueued)
        unchanged = await _seconds(database, book, store_unchanged)
    return alone, enqueued, unchanged


async def measure(cluster: Cluster, template: str, deals: int) -> list[Figure]:
    book = list(pages(deals))
    rounds = [await _round(cluster, template, number, book) for number in range(ROUNDS)]
    ratio = statistics.median(enqueued / alone for alone, enqueued, _ in rounds)
    again = statistics.median(unchanged / enqueued for _, enqueued, unchanged in rounds)
    alone, enqueued, unchanged = map(min, zip(*rounds, strict=True))
    async with fresh(cluster, template, "wal") as database:
        wal = await wal_bytes(database, book[:20])
    return [
        at_most("new deals with runs and jobs / deals alone", ratio, 3, note=f"{enqueued:.1f} / {alone:.1f} s"),
        at_most("all of them again, unchanged", unchanged, deals / 100_000, "s", f"best of {ROUNDS}"),
        reported("unchanged / new", again),
        exactly("WAL of an unchanged page by its statements, after VACUUM and CHECKPOINT", wal[1], 0, "bytes"),
        reported("WAL of a new deal with run and job", wal[0], "bytes"),
    ]


async def wal_bytes(database: Database, book: Sequence[Sequence[SyncedDeal]]) -> tuple[float, int]:
    """Of a new deal; and of the last page when it is read again, by both statements that handle it."""
    *first, last = book
    for page in first:
        await store_enqueued(database, page)
    new = await _explained(database, intake._STORE_PAGE, last)
    # VACUUM marks only commits that are on disk: hence two checkpoints.
    for statement in ("CHECKPOINT", "VACUUM ANALYZE deals", "VACUUM ANALYZE pipeline_runs", "CHECKPOINT"):
        await database.run(text(statement))
    await store_unchanged(database, last)
    again = [await _explained(database, statement, last) for statement in (intake._NEWS, intake._STORE_PAGE)]
    return new / len(last), sum(again)


async def _explained(database: Database, statement: TextClause, page: Sequence[SyncedDeal]) -> int:
    explain = text(f"EXPLAIN (ANALYZE, WAL, FORMAT JSON) {statement}")
    parameters = {**intake.page_parameters(page, RULES, datetime.now(UTC)), **page_arrays(page, VERSION)}
    async with database.write() as session:
        plan = await session.scalar(explain, {name: parameters[name] for name in explain.compile().params})
    return int(plan[0]["Plan"].get("WAL Bytes", 0))
