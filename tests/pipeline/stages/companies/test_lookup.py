"""Associate asks HubSpot once for what many deals want to know, and again when a person may have changed it."""

from collections.abc import AsyncIterator

import pytest

from core.database import Database
from crm.client import HubSpot
from crm.errors import AccessDenied
from pipeline.stages.associate import STAGE as ASSOCIATE
from tests.crm.account import Account
from tests.hubspot import NoLimits, Sandbox, catalog
from tests.pipeline.stages.processing import Processing

SEARCHES = "POST /crm/objects/{version}/{type}/search"
BATCH_READS = "POST /crm/objects/{version}/{type}/batch/read"


@pytest.fixture
async def client(hubspot: Sandbox) -> AsyncIterator[HubSpot]:
    async with HubSpot(hubspot.url, hubspot.token, NoLimits()) as opened:
        yield opened


async def suggested(processing: Processing, deal_id: int, hubspot_deal_id: str) -> list[str]:
    output = (await processing.outputs(deal_id, hubspot_deal_id, "associate"))["associate"]
    return [suggestion["company_id"] for suggestion in output["suggestions"]]


async def test_a_domain_is_searched_for_once_by_all_workers(
    database: Database, client: HubSpot, hubspot: Sandbox, account: Account
) -> None:
    """Also one that no company has; the deals were requested before the first search."""
    company = account.company("Shared", "shared-domain.example")
    contacts = [account.contact("ada@Shared-Domain.example"), account.contact("ada@no-company.example")]
    deals = [account.deal(contacts=contacts) for _ in range(3)]
    async with HubSpot(hubspot.url, hubspot.token, NoLimits()) as second:
        workers = [Processing(one, catalog(one), database) for one in (client, second, client)]
        stored = [await worker.store(deal) for worker, deal in zip(workers, deals, strict=True)]
        before = account.calls(SEARCHES)
        for worker, deal_id, deal in zip(workers, stored, deals, strict=True):
            assert await suggested(worker, deal_id, deal) == [company]
    assert account.calls(SEARCHES) - before == 1


async def test_another_run_sees_the_company_that_was_added(
    processing: Processing, client: HubSpot, account: Account
) -> None:
    """A miss is forgotten with the run for which it was read."""
    contact = account.contact("ada@added-later.example")
    deal = account.deal(contacts=[contact])
    deal_id = await processing.store(deal)
    assert await suggested(processing, deal_id, deal) == []
    company = account.company("Added", "added-later.example")
    await processing.start_another_run()
    assert await suggested(processing, deal_id, deal) == [company]


async def test_the_company_of_a_contact_is_read_once(processing: Processing, account: Account) -> None:
    """One that HubSpot does not have any more, too."""
    here, gone = account.company("Here", "here.example"), account.company("Gone", "gone.example")
    contacts = [account.contact("a@gmail.com", company=here), account.contact("b@gmail.com", company=gone)]
    account.archive("companies", gone)
    deals = [account.deal(contacts=contacts) for _ in range(2)]
    stored = [await processing.store(deal) for deal in deals]
    assert await suggested(processing, stored[0], deals[0]) == [here]
    before = account.calls(BATCH_READS)
    assert await suggested(processing, stored[1], deals[1]) == [here]
    # Only fetch has read: the contacts.
    assert account.calls(BATCH_READS) - before == 1


async def test_a_search_that_is_refused_is_the_reason_of_the_run(
    processing: Processing, hubspot: Sandbox, account: Account
) -> None:
    """Nothing is remembered of it: the next attempt searches."""
    company = account.company("Later", "refused-at-first.example")
    deal = account.deal(contacts=[account.contact("ada@refused-at-first.example")])
    deal_id = await processing.store(deal)
    outputs = await processing.outputs(deal_id, deal, "validate")
    hubspot.fault("missing_scope", "POST", "/search", scope="crm.objects.companies.read")
    with pytest.raises(AccessDenied):
        await processing.run(ASSOCIATE, deal_id, deal, outputs)
    result = await processing.run(ASSOCIATE, deal_id, deal, outputs)
    assert [found["company_id"] for found in result.output.model_dump()["suggestions"]] == [company]
