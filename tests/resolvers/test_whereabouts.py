"""A deal is found by its id, its HubSpot id or its HubSpot URL, and a missing one is explained."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.runs.departures import mark_merged, mark_purged
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import deal_row, store
from tests.resolvers.where_is import MOMENT, where, words


@pytest.mark.parametrize(
    "address",
    [
        "71234567890",
        "  71234567890 ",
        "https://app.hubspot.com/contacts/123/record/0-3/71234567890",
        "https://app-eu1.hubspot.com/contacts/123/record/0-3/71234567890/view/1?eschref=%2Fcontacts",
        "https://app.hubspot.com/contacts/123/deal/71234567890/",
        "app.hubspot.com/contacts/123/deal/71234567890",
        "https://hubspot.com/contacts/123/deal/71234567890",
    ],
)
async def test_a_deal_is_found_by_each_kind_of_address(
    graphql: GraphQLClient, database: Database, address: str
) -> None:
    """Our id, HubSpot's id, and the URL of its page in HubSpot."""
    deal_id = await factories.queued_deal(database, hubspot_deal_id="71234567890")
    for name in (address, deal_id):
        assert (await where(graphql, name))["deal"] == {"hubspotDealId": "71234567890", "state": "WAITING"}


async def test_a_text_that_names_no_deal_is_refused(graphql: GraphQLClient) -> None:
    error = await graphql.error('{ whereIs(deal: "Loom & Co") { words } }')
    assert (error["extensions"]["code"], "names no deal" in error["message"]) == ("BAD_USER_INPUT", True)


async def test_a_number_that_is_the_id_of_two_deals_is_never_guessed(
    graphql: GraphQLClient, database: Database
) -> None:
    """The words name both deals and how to write each; a prefix is an answer."""
    ours = await factories.queued_deal(database, hubspot_deal_id="71234567890")
    await store(database, deal_row(str(ours)))
    found = await where(graphql, ours)
    assert (found["deal"], found["position"]) == (None, None)
    assert re.fullmatch(
        rf"{ours} is the id of one deal here \(71234567890 in HubSpot\) and of another in HubSpot, which is \d+ here\. "
        rf"Write deal:{ours} for the first, hubspot:{ours} for the second\.",
        found["words"],
    )
    assert (await where(graphql, f"deal:{ours}"))["deal"]["hubspotDealId"] == "71234567890"
    assert (await where(graphql, f"hubspot:{ours}"))["deal"]["hubspotDealId"] == str(ours)


async def test_our_id_of_no_deal(graphql: GraphQLClient) -> None:
    """The sync, which sees HubSpot's ids only, is not mentioned."""
    assert await where(graphql, "deal:4711") == {"words": "There is no deal 4711.", "position": None, "deal": None}


async def test_a_deal_that_the_sync_has_not_seen(graphql: GraphQLClient, database: Database) -> None:
    """With the time of the last sync, once there was one."""
    found = await where(graphql, "4711")
    assert (found["deal"], found["words"]) == (
        None,
        "The sync has not seen this deal: no sync has finished yet.",
    )
    await database.run(
        text("INSERT INTO sync_runs (kind, outcome, fence, ended_at) VALUES ('TAIL', 'DONE', 1, '2026-11-01 12:00Z')")
    )
    assert await words(graphql, "4711") == (
        "The sync has not seen this deal. The last sync ended at 2026-11-01 12:00:00 UTC; one runs every 5 s. "
        "The backfill has not finished yet."
    )
    await database.run(
        text("INSERT INTO sync_rejects (record_key, body, error) VALUES ('4711', '{}', 'It has no properties.')")
    )
    assert await words(graphql, "4711") == "HubSpot's record of this deal could not be read: It has no properties."


async def test_a_stored_deal_whose_latest_record_cannot_be_read(graphql: GraphQLClient, database: Database) -> None:
    """The property and how its value begins are named beside the state of its run."""
    deal_id = await factories.queued_deal(database, hubspot_deal_id="71234567890")
    error = "Deal 71234567890 has no modification time: property hs_lastmodifieddate: 'soon' is not a date."
    reject = text("INSERT INTO sync_rejects (record_key, body, error) VALUES ('71234567890', '{}', :error)")
    await database.run(reject, {"error": error})
    found = await words(graphql, deal_id)
    assert found.startswith("Queued at position 1.")
    assert found.endswith(f" What is shown may be outdated: HubSpot's record of this deal could not be read: {error}")


async def test_a_deal_that_left_hubspot(graphql: GraphQLClient, database: Database) -> None:
    """Archived, or merged into another: the state of its run is not mentioned."""
    lease = await factories.done_deal(database)
    await database.run(text("UPDATE deals SET archived_at = now()"))
    assert re.fullmatch(rf"In HubSpot's recycle bin since {MOMENT}\.", await words(graphql, lease.deal_id))
    async with database.write() as session:
        await mark_merged(session, {lease.hubspot_deal_id: "88"}, datetime.now(UTC))
    assert await words(graphql, lease.deal_id) == "Merged into HubSpot deal 88."


async def test_a_deal_that_was_deleted_from_hubspot(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.done_deal(database)
    async with database.write() as session:
        await mark_purged(session, [lease.hubspot_deal_id], datetime.now(UTC))
    assert re.fullmatch(
        rf"HubSpot no longer has this deal; the sync detected this at {MOMENT}\.", await words(graphql, lease.deal_id)
    )
