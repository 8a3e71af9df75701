"""One batch reads a hundred waiting deals with a fraction of the calls; the outputs are the same."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from procrastinate import App
from sqlalchemy import text
from structlog.testing import capture_logs

from core.database import Database
from crm.budget.local import LocalBudget
from crm.budget.protocol import Policy
from crm.client import HubSpot
from crm.errors import DailyLimitReached
from pipeline.queue import Priority, make_app
from pipeline.rulebook import shipped_rulebook
from pipeline.rulebook.tables import Stored
from pipeline.runs.transition import Transition
from pipeline.stages.fetch import snapshots
from pipeline.stages.fetch.hydration import hydrated
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client
from tests.factories import WORKER, one, rows, run_store
from tests.hubspot import Sandbox, sandbox_process
from tests.pipeline.stages.fetch.hydrating import calls, live, process_all, queue

RULEBOOK = shipped_rulebook()


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", "220", "--burst", "100000", "--search-per-second", "1000") as sandbox:
        yield sandbox


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made


async def test_the_first_deal_of_a_batch_reads_the_next_one(
    database: Database, client: HubSpot, hubspot: Sandbox
) -> None:
    """Another worker then waits for no batch."""
    deal_ids = await queue(database, client, live(hubspot, 200))
    lease = await run_store(database).claim(deal_ids[0], worker=WORKER)
    assert lease is not None
    await run_store(database).move(lease, Transition(begin=0))
    await hydrated(database, client, deal_ids[0], RULEBOOK)
    read = await rows(database, "SELECT deal_id FROM deal_snapshots WHERE content <> '{}' ORDER BY deal_id")
    assert [row["deal_id"] for row in read] == deal_ids[1:]


async def test_the_head_of_the_queue_is_read_and_no_deal_is_written(
    database: Database, client: HubSpot, hubspot: Sandbox
) -> None:
    """At most a hundred deals, those that are next in the queue."""
    deal_ids = await queue(database, client, live(hubspot, 150))
    urgent = deal_ids[-1]
    await database.run(text("UPDATE pipeline_runs SET priority = :now WHERE deal_id = :id"),
                       {"now": int(Priority.NOW), "id": urgent})  # fmt: skip
    before = await rows(database, "SELECT xmin, updated_at FROM deals ORDER BY id")
    around = await hydrated(database, client, deal_ids[0], RULEBOOK)
    assert around is not None
    assert around.read_at > datetime.now(UTC).replace(year=2000)
    read = {row["deal_id"] for row in await rows(database, "SELECT deal_id FROM deal_snapshots WHERE content <> '{}'")}
    assert read == {*deal_ids[1:99], urgent}
    assert await rows(database, "SELECT xmin, updated_at FROM deals ORDER BY id") == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deal_snapshots SET read_at = read_at - interval '61 s'",
        "UPDATE deals SET hubspot_modified_at = hubspot_modified_at + interval '1 ms'",
        "UPDATE deals SET (superseded_modified_at, hubspot_modified_at) = (hubspot_modified_at, '2000-01-01')",
        "UPDATE pipeline_runs SET created_at = clock_timestamp()",
    ],
)
async def test_an_outdated_snapshot_is_not_used(
    database: Database, client: HubSpot, hubspot: Sandbox, change: str
) -> None:
    """It was read more than a minute ago, before a change that the sync has seen, or before the run was requested."""
    deal_ids = await queue(database, client, live(hubspot, 10))
    await hydrated(database, client, deal_ids[0], RULEBOOK)
    assert await snapshots.take(database, deal_ids[4]) is not None
    await database.run(text(change))
    assert await snapshots.take(database, deal_ids[5]) is None


async def test_a_snapshot_is_used_once(database: Database, client: HubSpot, hubspot: Sandbox) -> None:
    """A second run of the deal reads it again."""
    deal_ids = await queue(database, client, live(hubspot, 10))
    await hydrated(database, client, deal_ids[0], RULEBOOK)
    assert await snapshots.take(database, deal_ids[5]) is not None
    assert await snapshots.take(database, deal_ids[5]) is None


async def test_redacted_properties_are_not_stored_in_snapshots(
    database: Database, client: HubSpot, hubspot: Sandbox, account: Account
) -> None:
    """Neither names nor addresses; only what the stages need of them."""
    company = account.company()
    contact = account.contact("secret.person@engines.example", company=company, name="Geheim")
    item = account.line_item("5")
    given = {"hs_next_step": "Call the hidden number"}
    shown = account.deal(given, contacts=[contact], companies=[company], line_items=[item])
    await queue(database, client, [*live(hubspot, 9), shown])
    # The deal that reads the batch uses its own snapshot up: it must be another one.
    reader = await one(database, "SELECT id FROM deals WHERE hubspot_deal_id <> :shown LIMIT 1", shown=shown)
    hidden = {"contact.email", "contact.name", "line_item.name", "deal.hs_next_step"}
    rulebook = RULEBOOK.model_copy(update={"stored": Stored.model_validate({"redact": hidden})})
    await hydrated(database, client, reader, rulebook)
    stored = await one(database, "SELECT string_agg(content::text, '') FROM deal_snapshots")
    assert "engines.example" in stored
    assert not re.search(r"@|secret|Geheim|Licence|hidden number", stored)


async def test_two_concurrent_readers_read_no_deal_twice(database: Database, client: HubSpot, hubspot: Sandbox) -> None:
    """The second one does not reserve what the first one has."""
    deal_ids = await queue(database, client, live(hubspot, 20))
    first = await snapshots.reserve(database, deal_ids[0])
    second = await snapshots.reserve(database, deal_ids[1])
    assert (len(first), second) == (20, [])


async def test_a_few_deals_are_read_one_by_one(database: Database, client: HubSpot, hubspot: Sandbox) -> None:
    """A batch would cost more calls than it saves."""
    deal_ids = await queue(database, client, live(hubspot, 2))
    assert await hydrated(database, client, deal_ids[0], RULEBOOK) is None
    assert await one(database, "SELECT count(*) FROM deal_snapshots") == 0


class Counted(LocalBudget):
    """Allows `calls` calls, then reports the daily limit."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    async def acquire(self, policy: Policy) -> None:
        if not self.left:
            raise DailyLimitReached("No call is left for today.")
        self.left -= 1
        await super().acquire(policy)


async def test_every_call_of_a_batch_is_taken_from_the_budget(
    database: Database, client: HubSpot, hubspot: Sandbox
) -> None:
    """As many as HubSpot counts."""
    deal_ids = await queue(database, client, live(hubspot, 100))
    budget, before = Counted(1000), calls(hubspot)
    async with HubSpot(hubspot.url, hubspot.token, budget) as counted:
        assert await hydrated(database, counted, deal_ids[0], RULEBOOK) is not None
    made = (calls(hubspot) - before).total()
    assert made >= 7
    assert 1000 - budget.left == made


async def test_an_exhausted_budget_ends_the_batch(database: Database, client: HubSpot, hubspot: Sandbox) -> None:
    """No further call is made, and no deal waits for the batch."""
    deal_ids = await queue(database, client, live(hubspot, 100))
    before = calls(hubspot)
    async with HubSpot(hubspot.url, hubspot.token, Counted(3)) as counted:
        assert await hydrated(database, counted, deal_ids[0], RULEBOOK) is None
    assert (calls(hubspot) - before).total() == 3
    assert await one(database, "SELECT count(*) FROM deal_snapshots") == 0


async def test_a_deal_archived_while_waiting_is_skipped(
    database: Database, app: App, client: HubSpot, hubspot: Sandbox, account: Account
) -> None:
    """It has no snapshot, and its run is SKIPPED with the reason; the other deals of the batch are DONE."""
    archived = account.deal()
    deal_ids = await queue(database, client, [*live(hubspot, 9), archived])
    account.archive("deals", archived)
    await process_all(database, client, deal_ids)
    states = await rows(database, "SELECT status::text, reason::text, count(*) AS n FROM pipeline_runs GROUP BY 1, 2")
    assert {(row["status"], row["reason"]): row["n"] for row in states} == {
        ("DONE", None): 9,
        ("SKIPPED", "ARCHIVED"): 1,
    }


async def test_a_batch_that_fails_leaves_nothing_behind(database: Database, client: HubSpot, hubspot: Sandbox) -> None:
    """Each deal is then read by itself; none waits for the batch."""
    deal_ids = await queue(database, client, live(hubspot, 10))
    async with scripted_client(Reply(403, b'{"status": "error", "message": "no"}')) as (failing, _):
        with capture_logs() as logs:
            assert await hydrated(database, failing, deal_ids[0], RULEBOOK) is None
    assert logs[-1]["event"] == "hydration.failed"
    assert await one(database, "SELECT count(*) FROM deal_snapshots") == 0
