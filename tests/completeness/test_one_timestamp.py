"""More deals with one modification time than a search may return by offset."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import stamina

from core.database import Database
from crm import retries
from scheduler.context import JobContext
from scheduler.sync.sync_jobs import settle, tail
from tests.completeness.account import Account, account
from tests.completeness.schedulers import leading
from tests.factories import one, rows

DEALS = 12_000
# Of 200 deals each; the last full one is followed by an empty one.
PAGES = DEALS // 200 + 1
FAULTS = ("bad_gateway_html", "search_limit", "truncated_json", "locked")
STORED = """
SELECT hubspot_deal_id, name, hubspot_stage, hubspot_modified_at FROM deals WHERE archived_at IS NULL
"""


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Account]:
    with account(deals=DEALS) as running:
        running.mutate(touch=DEALS, all=True, same_timestamp=True)
        yield running


@pytest.fixture
async def context(database: Database, hubspot: Account) -> AsyncIterator[JobContext]:
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        async with leading(database, hubspot, sync_hold_above=DEALS) as context:
            yield context


@pytest.mark.parametrize("job", [settle, tail], ids=["settle", "tail"])
async def test_twelve_thousand_deals_with_one_modification_time_are_all_found(
    job: Callable[[JobContext], Awaitable[None]], context: JobContext, database: Database, hubspot: Account
) -> None:
    """By one scan, without an offset, although four of its requests fail; 0 missing, 0 stale, none twice."""
    moments = {deal["lastModified"] for deal in hubspot.truth().values()}
    assert len(moments) == 1
    # A page that starts at an offset would be refused.
    hubspot.configure(offset_cap=200)
    for position, kind in enumerate(FAULTS):
        hubspot.fault(kind, "/search", skip=3 + 10 * position)
    seen_before = len(hubspot.requests())
    await job(context)
    assert hubspot.clear_faults() == dict.fromkeys(FAULTS, 1)
    last = (await rows(database, "SELECT outcome, new, pages, error FROM sync_runs"))[0]
    assert (last["outcome"], last["error"]) == ("DONE", None)
    assert (last["new"], last["pages"]) == (DEALS, PAGES)
    searches = [entry for entry in hubspot.requests()[seen_before:] if entry["path"].endswith("/search")]
    # One more is that of the first contact.
    assert len(searches) == PAGES + len(FAULTS) + 1
    stored = {row["hubspot_deal_id"]: row["hubspot_stage"] for row in await rows(database, STORED)}
    assert stored == {key: deal["dealstage"] for key, deal in hubspot.truth().items()}
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE trigger = 'NEW'") == DEALS
