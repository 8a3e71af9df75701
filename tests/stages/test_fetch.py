"""Fetch takes a snapshot of the deal, or says why there is nothing to process."""

import re
from datetime import UTC, datetime

import pytest
import stamina
from structlog.testing import capture_logs

from core.database import Database
from crm.client import HubSpot
from crm.errors import ServerError
from models import RunReason
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stage import SkipRun, Terms
from pipeline.stages.fetch import STAGE, FetchOutput
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client
from tests.hubspot import catalog
from tests.stages.processing import Processing, rules


async def fetch(processing: Processing, hubspot_deal_id: str) -> FetchOutput:
    result = await processing.run(STAGE, await processing.store(hubspot_deal_id), hubspot_deal_id, {})
    assert isinstance(result.output, FetchOutput)
    assert result.company_ids == [company.id for company in result.output.companies]
    assert result.contact_ids == [contact.id for contact in result.output.contacts]
    return result.output


async def test_the_snapshot_holds_the_deal_and_those_around_it(processing: Processing, account: Account) -> None:
    """Contacts with their own company, companies with their domain, line items with their net amount."""
    company = account.company()
    contact = account.contact(company=company)
    item = account.line_item("100", "3", "EUR")
    deal_id = account.deal(
        {"dealname": "<b>Loom</b> & Co", "amount": "300"}, contacts=[contact], companies=[company], line_items=[item]
    )
    snapshot = await fetch(processing, deal_id)
    assert snapshot.properties["dealname"] == "<b>Loom</b> & Co"
    assert [found.model_dump() for found in snapshot.contacts] == [
        {"id": contact, "name": "Ada", "email": "[redacted]", "domain": "engines.example", "company_id": company}
    ]
    assert [found.model_dump() for found in snapshot.companies] == [
        {"id": company, "name": "Engines Ltd", "domain": "engines.example"}
    ]
    assert [(found.id, found.amount, found.currency) for found in snapshot.line_items] == [(item, "300", "EUR")]
    assert (snapshot.missing, snapshot.truncated) == ({}, [])


async def test_the_stages_that_it_was_in_come_along(processing: Processing, account: Account) -> None:
    """Newest first; pipeline, stage and owner by name."""
    deal_id = account.deal({"dealstage": "appointmentscheduled", "hubspot_owner_id": "79544102"})
    account.move(deal_id, "qualifiedtobuy")
    snapshot = await fetch(processing, deal_id)
    assert [visit.stage for visit in snapshot.stage_history] == ["qualifiedtobuy", "appointmentscheduled"]
    assert snapshot.stage_history[0].since >= snapshot.stage_history[1].since
    assert snapshot.stage == "Qualified To Buy"
    assert (snapshot.pipeline is None, snapshot.owner is None) == (False, False)


async def test_what_is_redacted_is_stored_nowhere(processing: Processing, account: Account) -> None:
    """In no output of any stage; that there was something still counts."""
    stored = {"redact": ["contact.email", "contact.name", "deal.hs_next_step", "line_item.name"]}
    processing.terms = Terms(rulebook=Rulebook.model_validate({**shipped_rulebook().model_dump(), "stored": stored}))
    contact = account.contact("secret.person@engines.example", name="Geheim")
    item = account.line_item("5")
    given = {"hs_next_step": "Call the hidden number"}
    outputs = await processing.through(account.deal(given, contacts=[contact], line_items=[item]))
    assert not re.search(r"secret\.person|Geheim|hidden|Licence", repr(outputs))
    assert "next_step_missing" not in rules(outputs["validate"])
    assert outputs["fetch"]["contacts"][0]["domain"] == "engines.example"


async def test_it_costs_four_calls_at_most(processing: Processing, account: Account) -> None:
    """One for the deal, one for each kind that it has any of."""
    deal_id = account.deal(contacts=[account.contact()], companies=[account.company()])
    database_id = await processing.store(deal_id)
    routes = "GET /crm/objects/{version}/{type}/{id}", "POST /crm/objects/{version}/{type}/batch/read"
    before = [account.calls(route) for route in routes]
    await processing.run(STAGE, database_id, deal_id, {})
    assert [account.calls(route) - count for route, count in zip(routes, before, strict=True)] == [1, 2]


async def test_a_contact_that_is_gone_is_named(processing: Processing, account: Account) -> None:
    """HubSpot still names it with the deal, and has it no more."""
    here, gone = account.contact(), account.contact("gone@engines.example")
    deal_id = account.deal(contacts=[here, gone])
    account.archive("contacts", gone)
    snapshot = await fetch(processing, deal_id)
    assert [contact.id for contact in snapshot.contacts] == [here]
    assert snapshot.missing == {"contacts": [gone]}


async def test_more_than_a_hundred_contacts_are_told(processing: Processing, account: Account) -> None:
    contacts = [account.contact(f"guest{number}@engines.example") for number in range(101)]
    snapshot = await fetch(processing, account.deal(contacts=contacts))
    assert len(snapshot.contacts) == 100
    assert snapshot.truncated == ["contacts"]


async def skipped(processing: Processing, deal_id: int, hubspot_deal_id: str) -> SkipRun:
    with pytest.raises(SkipRun) as raised:
        await processing.run(STAGE, deal_id, hubspot_deal_id, {})
    return raised.value


async def test_an_archived_deal_is_not_processed(processing: Processing, account: Account) -> None:
    hubspot_deal_id = account.deal()
    deal_id = await processing.store(hubspot_deal_id)
    account.archive("deals", hubspot_deal_id)
    skip = await skipped(processing, deal_id, hubspot_deal_id)
    assert skip.reason is RunReason.ARCHIVED
    assert "recycle bin" in str(skip)


async def test_a_deal_that_hubspot_does_not_have_is_not_processed(processing: Processing, account: Account) -> None:
    """Not even in the recycle bin."""
    skip = await skipped(processing, await processing.store(account.deal()), "4711")
    assert skip.reason is RunReason.NOT_FOUND
    assert "4711" in str(skip)


async def test_a_merged_deal_is_not_processed(database: Database, processing: Processing, account: Account) -> None:
    """HubSpot answers with the id of the deal that it was merged into."""
    deal_id = await processing.store(account.deal())
    async with scripted_client(Reply(200, b'{"id": "77", "properties": {"dealname": "Merged"}}')) as (client, _):
        skip = await skipped(Processing(client, catalog(client), database), deal_id, "76")
    assert skip.reason is RunReason.MERGED
    assert "deal 77" in str(skip)


async def test_a_bad_moment_of_hubspot_is_not_taken_for_an_absence(
    client: HubSpot, database: Database, processing: Processing, account: Account
) -> None:
    """404, then 502 from the recycle bin: nobody knows, so it is tried again later."""
    deal_id = await processing.store(account.deal())
    async with scripted_client(Reply(404), Reply(502)) as (failing, _):
        with stamina.set_testing(True), capture_logs(), pytest.raises(ServerError):
            await Processing(failing, catalog(client), database).run(STAGE, deal_id, "76", {}, now=datetime.now(UTC))
