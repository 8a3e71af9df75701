"""The records of HubSpot that cannot be read are listed with the reason."""

from datetime import timedelta

from sqlalchemy import insert

from core.database import Database
from models import metadata
from tests.api.graphql_client import GraphQLClient
from tests.factories import MOMENT

_rejects = metadata.tables["sync_rejects"]
LISTED = "{ syncRejects(limit: 2) { items { id error firstSeenAt lastSeenAt } } }"


async def test_the_records_seen_last_come_first(graphql: GraphQLClient, database: Database) -> None:
    """As many as are asked for."""
    for number in range(3):
        row = {"record_key": str(number), "body": {}, "error": f"property id: {number}", "first_seen_at": MOMENT}
        await database.run(insert(_rejects), {**row, "last_seen_at": MOMENT + timedelta(minutes=number)})
    items = (await graphql(LISTED))["syncRejects"]["items"]
    assert [(item["id"], item["error"]) for item in items] == [("2", "property id: 2"), ("1", "property id: 1")]
    assert items[0]["firstSeenAt"] < items[0]["lastSeenAt"]


async def test_a_limit_out_of_range_is_refused(graphql: GraphQLClient) -> None:
    error = await graphql.error("{ syncRejects(limit: 201) { items { id } } }")
    assert (error["extensions"]["code"], "between 1 and 200" in error["message"]) == ("BAD_USER_INPUT", True)
