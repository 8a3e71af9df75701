"""The number of statements per response is constant: the same for one deal as for two hundred."""

from pathlib import Path
from typing import Any

from tests.api.graphql_client import GraphQLClient
from tests.statement_counter import CountedStatements, StatementCounter

WEB = Path(__file__).parents[2] / "web" / "src"


LIMITS = (1, 50, 200)


def page_document() -> str:
    """The document that the web client polls with."""
    found = [path.read_text() for path in WEB.rglob("*.graphql") if "query DealQueue" in path.read_text()]
    assert len(found) == 1, "web/src holds exactly one document with the operation DealQueue"
    return found[0]


async def counted(
    graphql: GraphQLClient, counter: StatementCounter, document: str, limit: int
) -> tuple[CountedStatements, list[dict[str, Any]]]:
    await graphql(document, limit=1)
    with counter.counting() as counted:
        items = (await graphql(document, limit=limit))["dealQueue"]["items"]
    return counted, items


async def test_the_page_costs_two_statements_whatever_its_size(
    graphql: GraphQLClient, counter: StatementCounter
) -> None:
    """One for the deals, one for their states; each request has its own loaders."""
    for limit in LIMITS:
        seen, items = await counted(graphql, counter, page_document(), limit)
        assert len(items) == limit
        assert all(len(item["steps"]) == 6 for item in items)
        assert (len(seen.by_sqlalchemy), len(seen.by_driver)) == (2, 2), seen.by_driver


async def test_the_runs_of_many_deals_cost_a_constant_number(graphql: GraphQLClient, counter: StatementCounter) -> None:
    """Page, states, runs: three statements, and a fourth for the outputs and errors of the steps."""
    runs = "query ($limit: Int!) { dealQueue(limit: $limit) { items { status runs { status steps { status %s } } } } }"
    for more, statements, limits in (("", 3, LIMITS), ("output error { message }", 4, (1, 50))):
        for limit in limits:
            seen, items = await counted(graphql, counter, runs % more, limit)
            assert [len(item["runs"]) for item in items] == [2] * limit
            assert (len(seen.by_sqlalchemy), len(seen.by_driver)) == (statements, statements), seen.by_driver


async def test_fields_that_are_not_selected_are_not_read(graphql: GraphQLClient, counter: StatementCounter) -> None:
    """Deals without their progress cost one statement, the stages none."""
    seen, _ = await counted(
        graphql, counter, "query ($limit: Int!) { dealQueue(limit: $limit) { items { name } } }", 200
    )
    assert len(seen.by_driver) == 1
    with counter.counting() as seen:
        await graphql("{ pipeline { key } }")
    assert seen.by_driver == []
