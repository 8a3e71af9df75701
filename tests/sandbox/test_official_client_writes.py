"""HubSpot's own Python client writes to the sandbox: merges, batches, properties; and pages through a search."""

from collections.abc import Iterator

import pytest
from hubspot import HubSpot
from hubspot.crm.deals import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInput,
    SimplePublicObjectBatchInputForCreate,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
)
from hubspot.crm.properties import BatchInputPropertyCreate, PropertyCreate, PropertyGroupCreate

from sandbox.account.object_types import DEALS
from sandbox.app import Options
from sandbox.testing import Running, running


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running(deals=60, options=Options(burst=10_000, search_per_second=1_000, lively=False)) as own:
        yield own


@pytest.fixture
def client(sandbox: Running) -> HubSpot:
    """With the client's own validation of required fields and allowed values."""
    return HubSpot(access_token=sandbox.token, host=sandbox.url, client_side_validation=True)


def score(name: str, *, unique: bool = False) -> PropertyCreate:
    return PropertyCreate(
        name=name,
        label="Deal Queue",
        type="string",
        field_type="text",
        group_name="dealinformation",
        has_unique_value=unique,
    )


def test_it_merges_two_deals(client: HubSpot, sandbox: Running) -> None:
    """And reads the merged deal by a former id."""
    first, second = (str(deal) for deal in sandbox.account.table(DEALS).live_ids[:2])
    request = PublicMergeInput(primary_object_id=first, object_id_to_merge=second)
    merged = client.crm.deals.basic_api.merge(public_merge_input=request)
    read = client.crm.deals.basic_api.get_by_id(second, properties=["hs_merged_object_ids"])
    assert read.id == merged.id
    assert read.properties["hs_merged_object_ids"] == f"{first};{second}"


def test_it_creates_changes_and_archives_in_batches(client: HubSpot, sandbox: Running) -> None:
    """Each response satisfies its model."""
    api = client.crm.deals.batch_api
    inputs = [
        SimplePublicObjectBatchInputForCreate(
            associations=[], properties={"dealname": f"Batch {n}", "dealstage": "contractsent"}
        )
        for n in range(3)
    ]
    created = api.create(
        batch_input_simple_public_object_batch_input_for_create=BatchInputSimplePublicObjectBatchInputForCreate(inputs)
    )
    assert [deal.properties["dealname"] for deal in created.results] == ["Batch 0", "Batch 1", "Batch 2"]
    changes = [SimplePublicObjectBatchInput(id=deal.id, properties={"amount": "12"}) for deal in created.results]
    changed = api.update(
        batch_input_simple_public_object_batch_input=BatchInputSimplePublicObjectBatchInput(inputs=changes)
    )
    assert {deal.properties["amount"] for deal in changed.results} == {"12"}
    gone = BatchInputSimplePublicObjectId(inputs=[SimplePublicObjectId(id=deal.id) for deal in created.results])
    api.archive(batch_input_simple_public_object_id=gone)
    assert {int(deal.id) for deal in created.results} == set(sandbox.account.table(DEALS).archived_ids)


def test_it_upserts_by_a_property_of_its_own(client: HubSpot) -> None:
    """New the first time, not the second."""
    client.crm.properties.core_api.create("deals", property_create=score("external_id", unique=True))
    given = SimplePublicObjectBatchInputUpsert(
        id="X-1", id_property="external_id", properties={"dealname": "Upserted", "dealstage": "contractsent"}
    )
    request = BatchInputSimplePublicObjectBatchInputUpsert(inputs=[given])
    answers = [
        client.crm.deals.batch_api.upsert(batch_input_simple_public_object_batch_input_upsert=request) for _ in range(2)
    ]
    assert [answer.results[0].new for answer in answers] == [True, False]
    assert answers[0].results[0].id == answers[1].results[0].id


def test_it_creates_properties_and_groups(client: HubSpot) -> None:
    """One by one and in a batch; each can be read and archived."""
    group = client.crm.properties.groups_api.create(
        "deals", property_group_create=PropertyGroupCreate(name="deal_queue", label="Deal Queue")
    )
    assert group.name in {known.name for known in client.crm.properties.groups_api.get_all("deals").results}
    created = client.crm.properties.core_api.create("deals", property_create=score("dealqueue_score"))
    assert (created.name, created.hubspot_defined) == ("dealqueue_score", False)
    request = BatchInputPropertyCreate(inputs=[score("dealqueue_issues"), score("dealqueue_duplicate_of")])
    batch = client.crm.properties.batch_api.create("deals", batch_input_property_create=request)
    assert [definition.name for definition in batch.results] == ["dealqueue_issues", "dealqueue_duplicate_of"]
    client.crm.properties.core_api.archive("deals", "dealqueue_issues")
    names = {definition.name for definition in client.crm.properties.core_api.get_all("deals").results}
    assert "dealqueue_issues" not in names
    assert {"dealqueue_score", "dealqueue_duplicate_of"} <= names


def test_it_pages_through_a_search(client: HubSpot, sandbox: Running) -> None:
    """By offset, as users of the client do."""
    seen: list[int] = []
    after = None
    while True:
        request = PublicObjectSearchRequest(sorts=["hs_object_id"], limit=25, after=after, properties=["dealname"])
        found = client.crm.deals.search_api.do_search(public_object_search_request=request)
        seen += [int(deal.id) for deal in found.results]
        if found.paging is None:
            break
        after = found.paging.next.after
    assert seen == list(sandbox.account.table(DEALS).live_ids)
