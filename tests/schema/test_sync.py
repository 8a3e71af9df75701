"""syncStatus in GraphQL."""

from sqlalchemy import text

from core.database import Database
from models import SyncOutcome
from tests.api.graphql_client import GraphQLClient
from tests.resolvers.stored_syncs import insert_sync


async def test_one_query_reports_lag_held_deals_rejects_and_calls_left(
    graphql: GraphQLClient, database: Database
) -> None:
    """Each from its own table, by one statement."""
    await database.run(
        text("""WITH state AS (INSERT INTO sync_state (source, first_contact_at, watermark, tail_from)
                               VALUES ('hubspot.deals', now(), now(), now() - interval '90 s') RETURNING 1),
                     budget AS (INSERT INTO rate_budgets (policy, limit_calls, span, remaining)
                                VALUES ('daily', 650000, '1 day', 1234) RETURNING 1)
                INSERT INTO sync_rejects (record_key, body, error) VALUES ('1', '{}', 'no id')""")
    )
    await insert_sync(database, 0, SyncOutcome.DONE)
    fields = "nextSyncAt lagSeconds backlog backfilled heldDeals rejectedRecords callsLeftToday"
    status = (await graphql(f"{{ syncStatus {{ {fields} }} }}"))["syncStatus"]
    assert 90 <= status.pop("lagSeconds") < 120
    assert status == {
        "nextSyncAt": "2026-11-01T12:00:15.123456+00:00",
        "backlog": None,
        "backfilled": False,
        "heldDeals": 0,
        "rejectedRecords": 1,
        "callsLeftToday": 1234,
    }
