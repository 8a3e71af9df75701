"""A deal in GraphQL."""

from decimal import Decimal

from core.database import Database
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import MOMENT


async def test_a_deal_is_shown_as_it_is_stored(graphql: GraphQLClient, database: Database) -> None:
    """Amounts are exact, times are UTC with microseconds, and a property that HubSpot does not have is null."""
    await factories.insert_deal(database, amount=Decimal("1234567890.10"), updated_at=MOMENT, name=None)
    fields = "name amount currency ownerName hubspotStageLabel closeDate createdAt updatedAt status currentStage reason"
    item = (await graphql(f"{{ dealQueue {{ items {{ {fields} }} }} }}"))["dealQueue"]["items"][0]
    assert item == dict.fromkeys(fields.split()) | {
        "amount": "1234567890.10",
        "createdAt": "2026-11-01T12:00:00.123456+00:00",
        "updatedAt": "2026-11-01T12:00:00.123456+00:00",
        "status": "QUEUED",
    }
