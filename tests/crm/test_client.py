"""The client reads HubSpot's data in HubSpot's own format, over HTTP."""

from datetime import UTC, datetime, timedelta

import orjson

from crm import paths
from crm.budget.protocol import Policy
from crm.client import HubSpot
from crm.properties import COMPANY_PROPERTIES, CONTACT_PROPERTIES, PROPERTIES
from crm.records import parse_deal
from crm.scanning import deal_search
from tests.crm.account import Account
from tests.crm.scripted_server import RecordingBudget
from tests.hubspot import Sandbox

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH_READ = "POST /crm/objects/{version}/{type}/batch/read"
HUBSPOTS_LONGEST_BODY = 3_000


async def test_the_search_returns_every_deal_once_by_ascending_id(client: HubSpot, hubspot: Sandbox) -> None:
    """Page by page, each after the last id of the one before; the total shows when to stop."""
    found: list[int] = []
    while True:
        page = await client.search_deals(modified_since=EPOCH, after_id=found[-1] if found else 0, limit=15)
        found += [int(record["id"]) for record in page.records]
        if page.total <= len(page.records):
            break
    truth = {int(identifier) for identifier, deal in hubspot.truth().items() if not deal["archived"]}
    assert found == sorted(truth)


async def test_every_deal_of_the_sandbox_can_be_read(client: HubSpot) -> None:
    """Hostile names, missing values, all currencies."""
    page = await client.search_deals(modified_since=EPOCH, after_id=0)
    deals = [parse_deal(record) for record in page.records]
    assert len(deals) >= 40
    assert all(set(deal.properties) >= set(PROPERTIES) for deal in deals)


async def test_the_search_finds_deals_that_changed_since_a_time(
    client: HubSpot, hubspot: Sandbox, account: Account
) -> None:
    """It returns HubSpot's time, from which the start of the next search is computed."""
    before = await client.search_deals(modified_since=EPOCH, after_id=0)
    created = account.deal()
    page = await client.search_deals(modified_since=before.server_time - timedelta(seconds=1), after_id=0)
    assert created in {record["id"] for record in page.records}
    assert abs(page.server_time - datetime.now(UTC)) < timedelta(seconds=5)
    later = await client.search_deals(modified_since=datetime.now(UTC) + timedelta(hours=1), after_id=0)
    assert (later.records, later.total) == ([], 0)


def test_a_search_stays_within_hubspots_limits() -> None:
    """At most 3,000 characters; never from the epoch itself, which HubSpot answers with 500."""
    body = deal_search(EPOCH, 10**18, 200)
    assert len(orjson.dumps(body, option=orjson.OPT_INDENT_2)) < HUBSPOTS_LONGEST_BODY
    assert body["filterGroups"][0]["filters"][0]["value"] == "1000"
    assert len(set(PROPERTIES)) == len(PROPERTIES)


async def test_a_batch_read_names_what_is_missing(client: HubSpot, account: Account) -> None:
    """HubSpot responds with 207 then; two hundred ids are two calls."""
    contacts = [account.contact(f"guest{number}@engines.example") for number in range(120)]
    before = account.calls(BATCH_READ)
    result = await client.batch_read(paths.CONTACTS, ["1", *contacts, *contacts], CONTACT_PROPERTIES)
    assert sorted(record.id for record in result.records) == contacts
    assert result.missing == ["1"]
    assert account.calls(BATCH_READ) - before == 2


async def test_no_ids_cost_no_call(hubspot: Sandbox) -> None:
    budget = RecordingBudget()
    async with HubSpot(hubspot.url, hubspot.token, budget) as client:
        assert (await client.batch_read(paths.CONTACTS, [], CONTACT_PROPERTIES)).records == []
        assert await client.associations(paths.DEALS, [], paths.COMPANIES) == {}
    assert budget.requested == []


async def test_companies_are_found_by_their_domain(client: HubSpot, account: Account) -> None:
    """Exactly this domain, case-insensitive; no longer one that contains it."""
    company = account.company("Loom & Sons", "loom-and-sons.example")
    account.company("Other", "not-loom-and-sons.example")
    found = (await client.companies_by_domain(["Loom-and-Sons.example"]))["loom-and-sons.example"]
    assert [(record.id, record.properties["name"]) for record in found] == [(company, "Loom & Sons")]
    assert set(found[0].properties) >= set(COMPANY_PROPERTIES)


async def test_deactivated_owners_are_read_too(client: HubSpot) -> None:
    """Deals of a deactivated owner still have an owner."""
    owners = await client.owners()
    assert {owner.archived for owner in owners} == {False, True}
    assert all(owner.name for owner in owners)
    assert len({owner.id for owner in owners}) == len(owners)


async def test_pipelines_report_which_stages_are_closed(client: HubSpot) -> None:
    stages = {stage.id: stage for pipeline in await client.pipelines() for stage in pipeline.stages}
    assert stages["closedwon"].is_won
    assert stages["closedlost"].is_lost
    assert not stages["qualifiedtobuy"].is_closed
    assert str(stages["qualifiedtobuy"].probability) == "0.4"


async def test_every_property_that_is_read_exists(client: HubSpot) -> None:
    """The sandbox has HubSpot's own properties; a misspelt name would never read a value."""
    names = {definition.name for definition in await client.properties(paths.DEALS)}
    assert set(PROPERTIES) <= names


async def test_the_admins_validation_rules_are_read(client: HubSpot) -> None:
    rules = {entry.property_name: entry.property_validation_rules for entry in await client.property_validations("0-3")}
    assert [(rule.rule_type, rule.rule_arguments) for rule in rules["amount"]] == [("MIN_NUMBER", ["500"])]


async def test_every_call_is_requested_from_the_budget_and_teaches_it_the_limits(hubspot: Sandbox) -> None:
    """A search counts against its own limit, and its response reports no other."""
    budget = RecordingBudget()
    async with HubSpot(hubspot.url, hubspot.token, budget) as client:
        await client.search_deals(modified_since=EPOCH, after_id=0)
        await client.pipelines()
    assert budget.requested == [Policy.SEARCH, Policy.BURST]
    assert budget.learned == [None, "10000"]
