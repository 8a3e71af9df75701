"""HubSpot's own Python client works on the sandbox: every answer passes its models.

It knows v3 and v4 paths only, and is the nearest thing to HubSpot's contract that may be installed.
"""

from collections.abc import Iterator

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.deals import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicObjectSearchRequest,
    SimplePublicObjectId,
    SimplePublicObjectInput,
)
from hubspot.crm.objects.notes import SimplePublicObjectInputForCreate

from sandbox.account.object_types import DEALS
from sandbox.app import Options
from sandbox.testing import Running, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running(deals=120, options=Options(burst=10_000, search_per_second=1_000, lively=False)) as own:
        yield own


@pytest.fixture(scope="module")
def client(sandbox: Running) -> HubSpot:
    """With the client's own validation of required fields and allowed values."""
    return HubSpot(access_token=sandbox.token, host=sandbox.url, client_side_validation=True)


def test_it_lists_every_deal_with_associations(client: HubSpot, sandbox: Running) -> None:
    """get_all follows the pages."""
    deals = client.crm.deals.get_all(properties=["dealname", "amount"], associations=["contacts", "companies"])
    assert [int(deal.id) for deal in deals] == list(sandbox.account.table(DEALS).live_ids)
    assert any(deal.associations and "companies" in deal.associations for deal in deals)


def test_it_reads_one_deal(client: HubSpot, sandbox: Running) -> None:
    """With history; a 404 raises the client's exception."""
    deal_id = str(sandbox.account.table(DEALS).live_ids[5])
    deal = client.crm.deals.basic_api.get_by_id(deal_id, properties_with_history=["dealstage"])
    assert deal.id == deal_id
    assert deal.updated_at > deal.created_at
    assert deal.properties_with_history["dealstage"][0].value == deal.properties["dealstage"]
    with pytest.raises(ApiException) as refused:
        client.crm.deals.basic_api.get_by_id("1")
    assert refused.value.status == 404


def test_it_changes_a_deal(client: HubSpot, sandbox: Running) -> None:
    """And reads the change back."""
    deal_id = str(sandbox.account.table(DEALS).live_ids[0])
    change = SimplePublicObjectInput(properties={"amount": "4321"})
    changed = client.crm.deals.basic_api.update(deal_id, simple_public_object_input=change)
    assert changed.properties["amount"] == "4321"
    assert client.crm.deals.basic_api.get_by_id(deal_id).properties["amount"] == "4321"


def test_it_searches(client: HubSpot, sandbox: Running) -> None:
    """By keyset, as the sync does."""
    ids = sandbox.account.table(DEALS).live_ids
    groups = [FilterGroup(filters=[Filter(property_name="hs_object_id", operator="GT", value=str(ids[59]))])]
    request = PublicObjectSearchRequest(filter_groups=groups, sorts=["hs_object_id"], limit=50, properties=["dealname"])
    found = client.crm.deals.search_api.do_search(public_object_search_request=request)
    assert found.total == 60
    assert [int(deal.id) for deal in found.results] == list(ids[60:110])
    assert found.paging.next.after == "50"


def test_it_reads_deals_in_batches(client: HubSpot, sandbox: Running) -> None:
    """A hundred at once."""
    ids = sandbox.account.table(DEALS).live_ids[:100]
    request = BatchReadInputSimplePublicObjectId(
        inputs=[SimplePublicObjectId(id=str(number)) for number in ids],
        properties=["dealname"],
        properties_with_history=[],
    )
    answer = client.crm.deals.batch_api.read(batch_read_input_simple_public_object_id=request)
    assert [int(deal.id) for deal in answer.results] == list(ids)
    assert answer.status == "COMPLETE"


def test_it_reads_a_batch_with_missing_deals(sandbox: Running) -> None:
    """The recorded 207 has no `links`, which the client accepts only without its own validation, its default."""
    request = BatchReadInputSimplePublicObjectId(
        inputs=[SimplePublicObjectId(id="1")], properties=[], properties_with_history=[]
    )
    default = HubSpot(access_token=sandbox.token, host=sandbox.url)
    answer = default.crm.deals.batch_api.read(batch_read_input_simple_public_object_id=request)
    assert (answer.num_errors, answer.results) == (1, [])
    assert answer.errors[0].context == {"ids": ["1"]}


def test_it_reads_associations(client: HubSpot, sandbox: Running) -> None:
    """Of one deal and in a batch."""
    links = sandbox.account.associations
    deal = next(number for number in sandbox.account.table(DEALS).live_ids if links.of("deals", number, "contacts"))
    expected = {str(contact) for contact in links.of("deals", deal, "contacts")}
    page = client.crm.associations.v4.basic_api.get_page("deals", str(deal), "contacts", limit=100)
    assert {entry.to_object_id for entry in page.results} == expected
    request = BatchInputPublicFetchAssociationsBatchRequest(inputs=[PublicFetchAssociationsBatchRequest(id=str(deal))])
    batch = client.crm.associations.v4.batch_api.get_page(
        "deals", "contacts", batch_input_public_fetch_associations_batch_request=request
    )
    assert {entry.to_object_id for entry in batch.results[0].to} == expected
    assert batch.results[0].to[0].association_types[0].type_id == 3


def test_it_reads_owners_pipelines_and_properties(client: HubSpot) -> None:
    """Each has every required field."""
    assert len(client.crm.owners.get_all()) == 8
    assert client.crm.owners.owners_api.get_page(archived=True).results[0].user_id is None
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert [len(pipeline.stages) for pipeline in pipelines] == [7, 5]
    properties = client.crm.properties.core_api.get_all("deals").results
    assert {"dealname", "hs_is_closed"} <= {definition.name for definition in properties}


def test_it_creates_a_note(client: HubSpot, sandbox: Running) -> None:
    """Associated with a deal."""
    deal = str(sandbox.account.table(DEALS).live_ids[3])
    link = {"to": {"id": deal}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}]}
    request = SimplePublicObjectInputForCreate(
        properties={"hs_timestamp": "2026-11-01T00:00:00Z", "hs_note_body": "by the client"}, associations=[link]
    )
    note = client.crm.objects.notes.basic_api.create(simple_public_object_input_for_create=request)
    assert note.properties["hs_note_body"] == "by the client"
    assert int(note.id) in sandbox.account.associations.of("deals", int(deal), "notes")


def test_it_reads_the_other_objects(client: HubSpot) -> None:
    """Contacts, companies and line items."""
    for page in (
        client.crm.contacts.basic_api.get_page(limit=5),
        client.crm.companies.basic_api.get_page(limit=5),
        client.crm.line_items.basic_api.get_page(limit=5),
    ):
        assert len(page.results) == 5
        assert page.paging.next.after
