"""A deal is found by its id, its HubSpot id or its HubSpot URL, and a missing one is explained."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.runs.departures import mark_merged, mark_purged
from resolvers.address import read_address
from resolvers.errors import BadInput
from tests import factories
from tests.api.graphql_client import GraphQLClient
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


@pytest.mark.parametrize(
    "address", ["", "0", "-1", "a deal", "https://example.com/contacts/1/deal/2", "https://evilhubspot.com.example/deal/2",
                "https://evilhubspot.com/contacts/1/deal/2", "https://hubspot.com.example/deal/2",
                "https://app.hubspot.com/contacts/1/contact/2", "9" * 19, "http://[app.hubspot.com/deal/2"],
)  # fmt: skip
def test_a_text_that_names_no_deal_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="names no deal"):
        read_address(address)


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
