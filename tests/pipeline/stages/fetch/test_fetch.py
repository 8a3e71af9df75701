"""Fetch stores the deal with its associated records, or says why there is nothing to process."""

from core.database import Database
from models import RunReason
from pipeline.stages.fetch.fetch import STAGE
from pipeline.stages.fetch.output import FetchOutput
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client
from tests.hubspot import catalog
from tests.pipeline.stages.processing import Processing, skipped


async def fetch(processing: Processing, hubspot_deal_id: str) -> FetchOutput:
    result = await processing.run(STAGE, await processing.store(hubspot_deal_id), hubspot_deal_id, {})
    assert isinstance(result.output, FetchOutput)
    assert result.company_ids == [company.id for company in result.output.companies]
    assert result.contact_ids == [contact.id for contact in result.output.contacts]
    return result.output


async def test_the_output_holds_the_deal_and_its_associated_records(processing: Processing, account: Account) -> None:
    """Contacts with their primary company, companies with their domain, line items with their net amount."""
    company = account.company()
    contact = account.contact(company=company)
    item = account.line_item("100", "3", "EUR")
    deal_id = account.deal(
        {"dealname": "<b>Loom</b> & Co", "amount": "300"}, contacts=[contact], companies=[company], line_items=[item]
    )
    fetched = await fetch(processing, deal_id)
    assert fetched.properties["dealname"] == "<b>Loom</b> & Co"
    assert [found.model_dump() for found in fetched.contacts] == [
        {"id": contact, "name": "Ada", "email": "[redacted]", "domain": "engines.example", "company_id": company}
    ]
    assert [found.model_dump() for found in fetched.companies] == [
        {"id": company, "name": "Engines Ltd", "domain": "engines.example"}
    ]
    assert [(found.id, found.amount, found.currency) for found in fetched.line_items] == [(item, "300", "EUR")]
    assert (fetched.missing, fetched.truncated) == ({}, [])


async def test_the_stage_history_is_newest_first(processing: Processing, account: Account) -> None:
    """Pipeline, stage and owner are stored by name."""
    deal_id = account.deal({"dealstage": "appointmentscheduled", "hubspot_owner_id": "79544102"})
    account.move(deal_id, "qualifiedtobuy")
    fetched = await fetch(processing, deal_id)
    assert [visit.stage for visit in fetched.stage_history] == ["qualifiedtobuy", "appointmentscheduled"]
    assert fetched.stage_history[0].since >= fetched.stage_history[1].since
    assert fetched.stage == "Qualified To Buy"
    assert (fetched.pipeline is None, fetched.owner is None) == (False, False)


async def test_it_costs_four_calls_at_most(processing: Processing, account: Account) -> None:
    """One for the deal, one for each kind of associated records that it has."""
    deal_id = account.deal(contacts=[account.contact()], companies=[account.company()])
    database_id = await processing.store(deal_id)
    routes = "GET /crm/objects/{version}/{type}/{id}", "POST /crm/objects/{version}/{type}/batch/read"
    before = [account.calls(route) for route in routes]
    await processing.run(STAGE, database_id, deal_id, {})
    assert [account.calls(route) - count for route, count in zip(routes, before, strict=True)] == [1, 2]


async def test_an_archived_contact_is_listed_as_missing(processing: Processing, account: Account) -> None:
    """HubSpot still lists its id with the deal."""
    here, gone = account.contact(), account.contact("gone@engines.example")
    deal_id = account.deal(contacts=[here, gone])
    account.archive("contacts", gone)
    fetched = await fetch(processing, deal_id)
    assert [contact.id for contact in fetched.contacts] == [here]
    assert fetched.missing == {"contacts": [gone]}


async def test_more_than_a_hundred_contacts_are_truncated(processing: Processing, account: Account) -> None:
    contacts = [account.contact(f"guest{number}@engines.example") for number in range(101)]
    fetched = await fetch(processing, account.deal(contacts=contacts))
    assert len(fetched.contacts) == 100
    assert fetched.truncated == ["contacts"]


async def test_an_archived_deal_is_not_processed(processing: Processing, account: Account) -> None:
    hubspot_deal_id = account.deal()
    deal_id = await processing.store(hubspot_deal_id)
    account.archive("deals", hubspot_deal_id)
    skip = await skipped(processing, deal_id, hubspot_deal_id)
    assert skip.reason is RunReason.ARCHIVED
    assert "recycle bin" in str(skip)


async def test_a_merged_deal_is_not_processed(database: Database, processing: Processing, account: Account) -> None:
    """HubSpot returns the deal that it was merged into."""
    deal_id = await processing.store(account.deal())
    async with scripted_client(Reply(200, b'{"id": "77", "properties": {"dealname": "Merged"}}')) as (client, _):
        skip = await skipped(Processing(client, catalog(client), database), deal_id, "76")
    assert skip.reason is RunReason.MERGED
    assert "deal 77" in str(skip)
