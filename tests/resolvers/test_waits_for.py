"""Runs that wait for what HubSpot refuses: named for the deal, for the sync and in words."""

import pytest

from core.database import Database
from crm.error_responses import error_from
from pipeline.stages import STAGES as PRODUCT_STAGES
from pipeline.worker import outcome
from tests.api.graphql_client import GraphQLClient
from tests.factories import finish_step, rows, run_store, running_deal
from tests.resolvers.where_is import words

CONTACTS = b'{"category": "MISSING_SCOPES", "errors": [{"context": {"requiredScopes": ["crm.objects.contacts.read"]}}]}'
SCOPE = "the scope crm.objects.contacts.read"
SUSPENDED = b'{"message": "This account is suspended", "category": "ACCOUNT_SUSPENDED"}'
DEAL = "query ($id: ID!) { deal(id: $id) { status reason waitsFor runs { status waitsFor } } }"
WAITS = "{ syncStatus { lastError accessWaits { waitsFor runs } } }"


async def refused_deal(database: Database, body: bytes = CONTACTS) -> int:
    """A deal whose second stage was refused by HubSpot with 403 and this body."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    await run_store(database).leave(lease, outcome.failed(PRODUCT_STAGES[1], 1, 0, error_from(403, {}, body)))
    return lease.deal_id


@pytest.mark.parametrize(
    ("body", "waits_for", "because"),
    [
        (CONTACTS, SCOPE, "HubSpot answered 403: the token lacks crm.objects.contacts.read. Add it under Development"),
        (b"", "HubSpot's permission", "HubSpot answered 403: it gave no reason. Check the scopes of HUBSPOT_TOKEN."),
        (SUSPENDED, "HubSpot's permission", "HubSpot answered 403: This account is suspended. Check the account and"),
        (
            b"<html>",
            "HubSpot's firewall to admit this server",
            "HubSpot answered 403: it sent HTML instead of JSON. A ",
        ),
    ],
)
async def test_a_refused_deal_says_what_it_waits_for(
    graphql: GraphQLClient, database: Database, body: bytes, waits_for: str, because: str
) -> None:
    """With HubSpot's reason and what to do, whatever the reason of a 403 is."""
    deal_id = await refused_deal(database, body)
    assert (await graphql(DEAL, id=deal_id))["deal"] == {
        "status": "RETRYING",
        "reason": None,
        "waitsFor": waits_for,
        "runs": [{"status": "RETRYING", "waitsFor": waits_for}],
    }
    said = await words(graphql, f"deal:{deal_id}")
    waits = f"It waits at stage Validate for {waits_for}, and continues by itself once HubSpot grants it"
    assert said.startswith(f"{waits}: {because}")


async def test_the_status_counts_the_runs_that_wait(graphql: GraphQLClient, database: Database) -> None:
    """By what they wait for, the most first; a run that goes on or has ended waits for nothing."""
    assert (await graphql(WAITS))["syncStatus"]["accessWaits"] == []
    for body in (SUSPENDED, CONTACTS, CONTACTS):
        last = await refused_deal(database, body)
    waits = [{"waitsFor": SCOPE, "runs": 2}, {"waitsFor": "HubSpot's permission", "runs": 1}]
    assert (await graphql(WAITS))["syncStatus"] == {"lastError": None, "accessWaits": waits}
    await rows(database, "UPDATE pipeline_runs SET status = 'CANCELLED' WHERE deal_id = :id RETURNING id", id=last)
    assert (await graphql(WAITS))["syncStatus"]["accessWaits"][0]["runs"] == 1
    assert (await graphql(DEAL, id=last))["deal"]["runs"] == [{"status": "CANCELLED", "waitsFor": None}]
