"""One page of deals: stored whole, once, with a run and a job for each new deal."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.database import Database
from models import RunReason, RunStatus
from pipeline.queue import Priority
from pipeline.runs.departures import mark_purged
from pipeline.runs.intake import IntakeRules, PageCounts, store_page
from tests.factories import MODIFIED, RULES, deal_row, one, rows, store

EVERYTHING = """
SELECT (SELECT jsonb_agg(to_jsonb(d) || jsonb_build_object('xmin', d.xmin::text, 'xmax', d.xmax::text) ORDER BY d.id)
        FROM deals d) AS deals,
       (SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('xmin', r.xmin::text) ORDER BY r.id)
        FROM pipeline_runs r) AS runs,
       (SELECT jsonb_agg(to_jsonb(j) ORDER BY j.id) FROM procrastinate_jobs j) AS jobs
"""


# The columns that a lock alone does not change.
STORED = "SELECT d.id, d.xmin::text, d.latest_run_id, d.updated_at, d.properties_read_at FROM deals d ORDER BY d.id"


async def test_each_new_deal_has_one_run_and_one_job(database: Database) -> None:
    """Deal, NEW run and job refer to each other, for every deal of the page."""
    page = [deal_row() for _ in range(200)]
    assert await store(database, *page) == PageCounts(new=200, started=200)
    matching = await one(
        database,
        """SELECT count(*) FROM deals d
           JOIN pipeline_runs r ON r.id = d.latest_run_id AND r.deal_id = d.id
           JOIN procrastinate_jobs j ON j.id = r.job_id AND j.args = jsonb_build_object('deal_id', d.id)
           WHERE d.status = 'QUEUED' AND r.status = 'QUEUED' AND r.trigger = 'NEW' AND r.number = 1
             AND j.status = 'todo' AND j.queue_name = 'deals' AND j.task_name = 'process_deal' AND j.lock IS NULL""",
    )
    assert matching == 200
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 200


async def test_the_same_page_again_changes_nothing(database: Database) -> None:
    """No new row, no new job, no moved time, and no row version: nothing was even locked."""
    page = [deal_row() for _ in range(50)]
    await store(database, *page)
    before = await rows(database, EVERYTHING)
    assert await store(database, *page) == PageCounts()
    assert await rows(database, EVERYTHING) == before


async def test_a_deal_that_is_twice_in_a_page_is_stored_once_as_last_modified(database: Database) -> None:
    """HubSpot may send a deal twice while it changes."""
    later = deal_row("1", name="new name", hubspot_modified_at=MODIFIED + timedelta(seconds=1))
    assert await store(database, later, deal_row("1", name="old name")) == PageCounts(new=1, started=1)
    assert await one(database, "SELECT name FROM deals") == "new name"


async def test_a_visible_change_moves_the_deal_to_the_top(database: Database) -> None:
    """`updated_at` changes when the queue shows something different."""
    await store(database, deal_row("1"))
    before = await one(database, "SELECT updated_at FROM deals")
    changed = deal_row("1", name="Renamed", hubspot_modified_at=MODIFIED + timedelta(minutes=1))
    assert await store(database, changed) == PageCounts(changed=1)
    assert await one(database, "SELECT updated_at FROM deals") > before
    assert await one(database, "SELECT count(*) FROM pipeline_runs") == 1


async def test_a_touch_without_change_moves_nothing_that_is_shown(database: Database) -> None:
    """A mass edit that only touches deals must not reorder the queue."""
    await store(database, deal_row("1"))
    before = await one(database, "SELECT updated_at FROM deals")
    touched = deal_row("1", hubspot_modified_at=MODIFIED + timedelta(minutes=1))
    assert await store(database, touched) == PageCounts(touched=1)
    found = (await rows(database, "SELECT updated_at, hubspot_modified_at FROM deals"))[0]
    assert found == {"updated_at": before, "hubspot_modified_at": MODIFIED + timedelta(minutes=1)}


async def test_an_older_page_does_not_undo_a_newer_one(database: Database) -> None:
    """Pages of a search may arrive out of order; the later modification wins, and the deal is reported as doubtful."""
    await store(database, deal_row("1", name="newer", hubspot_modified_at=MODIFIED + timedelta(minutes=1)))
    older = deal_row("1", name="older")
    assert await store(database, older, searched=True) == PageCounts(doubtful=("1",))
    assert await store(database, older, searched=True, read_at=MODIFIED) == PageCounts()
    assert await store(database, older, read_at=MODIFIED) == PageCounts()
    assert await one(database, "SELECT name FROM deals") == "newer"


async def test_content_that_the_list_shows_later_wins_whatever_its_time_says(database: Database) -> None:
    """No search brings back what it superseded, until one shows a modification after it."""
    superseded = deal_row("1", name="superseded", hubspot_modified_at=LATER)
    listed = deal_row("1", name="listed", hubspot_modified_at=MODIFIED)
    await store(database, superseded)
    assert await store(database, listed) == PageCounts(changed=1, backdated=1)
    before = await rows(database, EVERYTHING)
    assert await store(database, listed) == PageCounts()
    between = deal_row("1", name="between", hubspot_modified_at=LATER - timedelta(seconds=1))
    for found in (superseded, between):
        assert await store(database, found, searched=True) == PageCounts(doubtful=("1",))
        assert await store(database, found, read_at=MODIFIED) == PageCounts()
    assert await rows(database, EVERYTHING) == before
    newer = deal_row("1", name="newer", hubspot_modified_at=LATER + timedelta(seconds=1))
    assert await store(database, newer, searched=True) == PageCounts(changed=1)
    assert await one(database, "SELECT superseded_modified_at FROM deals") is None


async def test_a_time_that_goes_back_without_a_change_of_content_moves_nothing_that_is_shown(
    database: Database,
) -> None:
    """It is stored, as a touch is, when the list shows it."""
    await store(database, deal_row("1", hubspot_modified_at=LATER))
    shown = "SELECT updated_at, rerun_wanted_at FROM deals"
    before = await rows(database, shown)
    assert await store(database, deal_row("1"), searched=True) == PageCounts()
    assert await store(database, deal_row("1")) == PageCounts(touched=1)
    assert await rows(database, shown) == before
    assert await one(database, "SELECT hubspot_modified_at FROM deals") == MODIFIED


async def test_two_concurrent_pages_with_the_same_deals_store_them_once(database: Database) -> None:
    """The readers of a list overlap: the second page finds nothing new, and writes nothing."""
    page = [deal_row() for _ in range(20)]
    async with database.write() as session:
        await store_page(session, page, RULES, read_at=MODIFIED)
        second = asyncio.create_task(store(database, *page))
        await _waits(database)
    before = await rows(database, STORED)
    assert await second == PageCounts()
    assert await rows(database, STORED) == before


async def test_a_page_that_waits_for_a_deal_to_be_marked_does_not_undo_that(database: Database) -> None:
    """It has read the deal before the purge and writes afterwards: the purged deal stays as it is."""
    await store(database, deal_row("1"))
    async with database.write() as session:
        await mark_purged(session, ["1"], datetime.now(UTC))
        newer = deal_row("1", name="Renamed", hubspot_modified_at=LATER)
        page = asyncio.create_task(store(database, newer))
        await _waits(database)
    assert await page == PageCounts()
    assert await one(database, "SELECT name FROM deals WHERE archived_at IS NOT NULL") == "Deal 1"


async def _waits(database: Database) -> None:
    """Return as soon as some statement waits for another transaction."""
    for _ in range(500):
        if await one(database, "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("Nothing waits")


async def test_a_page_that_is_rolled_back_leaves_nothing(database: Database) -> None:
    """Deals, runs and jobs belong to the caller's transaction."""
    with pytest.raises(RuntimeError, match="after the page"):
        await _store_and_fail(database)
    for table in ("deals", "pipeline_runs", "procrastinate_jobs"):
        assert await one(database, f"SELECT count(*) FROM {table}") == 0


async def _store_and_fail(database: Database) -> None:
    async with database.write() as session:
        await store_page(session, [deal_row(), deal_row()], RULES, read_at=datetime.now(UTC))
        raise RuntimeError("after the page")


async def test_procrastinates_internal_defer_function_keeps_its_contract(database: Database) -> None:
    """It returns the ids in the order of its argument, and NULL for an empty one; intake relies on both."""
    ids = await rows(
        database,
        """SELECT j.n, jobs.args->>'n' AS argument
           FROM unnest(procrastinate_defer_jobs_v1(ARRAY(
               SELECT ROW('q', 't', 0, NULL, NULL, jsonb_build_object('n', n), NULL)::procrastinate_job_to_defer_v1
               FROM generate_series(1, 1000) AS n))) WITH ORDINALITY AS j (id, n)
           LEFT JOIN LATERAL (SELECT 1) AS nothing ON true
           LEFT JOIN procrastinate_jobs AS jobs ON jobs.id = j.id""",
    )
    assert len(ids) == 1000
    stored = await rows(database, "SELECT id, (args->>'n')::int AS n FROM procrastinate_jobs ORDER BY id")
    assert [row["n"] for row in stored] == list(range(1, 1001))
    empty = "SELECT procrastinate_defer_jobs_v1(ARRAY[]::procrastinate_job_to_defer_v1[])"
    assert await one(database, empty) is None


RUNS = "SELECT trigger, status, reason, job_id IS NOT NULL AS has_job FROM pipeline_runs ORDER BY id"
LATER = MODIFIED + timedelta(minutes=1)


async def test_of_two_readings_with_one_modification_time_the_later_one_wins(database: Database) -> None:
    """Archiving changes no modification time; a page that was requested earlier and arrives later undoes nothing."""
    await store(database, deal_row("1"), read_at=LATER)
    archived = deal_row("1", archived_at=MODIFIED)
    assert await store(database, archived, read_at=MODIFIED) == PageCounts()
    assert await store(database, archived, read_at=LATER + timedelta(seconds=1)) == PageCounts(changed=1, archived=1)


async def test_a_search_restores_no_archived_deal(database: Database) -> None:
    """Its index may show the deal after it was archived; a list or a read by id restores it."""
    live = deal_row("1")
    await store(database, deal_row("1", archived_at=MODIFIED))
    assert await store(database, live, searched=True) == PageCounts(doubtful=("1",))
    assert await one(database, "SELECT archived_at FROM deals") == MODIFIED
    assert await store(database, live) == PageCounts(changed=1)


async def test_a_new_deal_that_is_not_selected_has_a_skipped_run(database: Database) -> None:
    """With the reason, and without a job."""
    row = deal_row(run_status=RunStatus.SKIPPED, run_reason=RunReason.NOT_SELECTED, run_priority=Priority.BACKFILL)
    assert await store(database, row) == PageCounts(new=1)
    assert await rows(database, RUNS) == [
        {"trigger": "NEW", "status": "SKIPPED", "reason": "NOT_SELECTED", "has_job": False}
    ]
    assert await one(database, "SELECT status FROM deals") == "SKIPPED"


async def test_above_the_limit_new_runs_are_held_and_have_no_job(database: Database) -> None:
    """The first ones are queued; backfilled ones do not count."""
    page = [deal_row() for _ in range(5)] + [deal_row(run_priority=Priority.BACKFILL) for _ in range(5)]
    counts = await store(database, *page, hold_after=2)
    assert counts == PageCounts(new=10, started=2, held=3)
    held = {"trigger": "NEW", "status": "QUEUED", "reason": "HELD", "has_job": False}
    assert (await rows(database, RUNS)).count(held) == 3
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 7


async def test_only_a_change_of_a_listed_property_requests_another_run(database: Database) -> None:
    """None is listed by default."""
    rules = IntakeRules(stages=RULES.stages, rerun_on=("dealstage",))
    requested = "SELECT rerun_wanted_at IS NOT NULL FROM deals"
    await store(database, deal_row("1", properties='{"dealstage": "a", "amount": "1"}'))
    await store(database, deal_row("1", properties='{"dealstage": "b", "amount": "1"}', hubspot_modified_at=LATER))
    assert await one(database, requested) is False
    again = deal_row("1", properties='{"dealstage": "b", "amount": "2"}', hubspot_modified_at=LATER + timedelta(1))
    await store(database, again, rules=rules)
    assert await one(database, requested) is False
    moved = deal_row("1", properties='{"dealstage": "c", "amount": "2"}', hubspot_modified_at=LATER + timedelta(2))
    await store(database, moved, rules=rules)
    assert await one(database, requested) is True
