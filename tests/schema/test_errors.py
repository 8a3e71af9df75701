"""Errors: a code and a sentence for the client, the cause in the log."""

from typing import Any

import pytest

from core.database import Database
from resolvers.loaders import Loaders
from resolvers.rows import DealState
from resolvers.runs import DELETED_DEAL
from tests import factories
from tests.api.graphql_client import GraphQLClient


def of(logs: list[Any], event: str) -> list[Any]:
    return [entry for entry in logs if entry["event"] == event]


async def test_an_unexpected_error_is_masked_and_logged_once(
    graphql: GraphQLClient, database: Database, monkeypatch: pytest.MonkeyPatch, logs: list[Any]
) -> None:
    """Ten deals wait for one failing loader: the response hides the cause, the log has it once."""
    for _ in range(10):
        await factories.insert_queued_deal(database)

    async def fail(*_: Any) -> Any:
        raise ZeroDivisionError("the secret of the loader")

    monkeypatch.setattr(Loaders, "_load_states", fail)
    answer = await graphql.response("{ dealQueue { items { status reason steps { stage } } } }")
    assert answer["data"] is None
    assert "secret" not in str(answer)
    shown = answer["errors"][0]
    assert shown["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert shown["extensions"]["requestId"] in shown["message"]
    [logged] = of(logs, "graphql.unexpected_error")
    assert isinstance(logged["exc_info"], ZeroDivisionError)
    assert logged["exc_info"].__traceback__ is not None


async def test_an_unavailable_database_reveals_no_sql(offline_graphql: GraphQLClient) -> None:
    """Neither the statement nor the address."""
    error = await offline_graphql.error("{ syncStatus { lastSyncAt } }")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"].startswith("Something went wrong in the server.")


async def test_a_result_that_does_not_fit_the_schema_is_a_server_error(
    graphql: GraphQLClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A null in a non-null field, or an unknown enum value."""
    await factories.insert_deal(database)
    for wrong in (None, "NO_SUCH_STATUS"):
        change: Any = {"status": wrong}
        state = DELETED_DEAL._replace(**change)

        async def load(_: Loaders, deal_ids: list[int], state: DealState = state) -> list[DealState]:
            return [state for _ in deal_ids]

        monkeypatch.setattr(Loaders, "_load_states", load)
        error = await graphql.error("{ dealQueue { items { status } } }")
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


CLIENT_ERRORS = [
    ("{ ", "GRAPHQL_PARSE_FAILED"),
    ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ dealQueue(limit: true) { nextBefore } }", "GRAPHQL_VALIDATION_FAILED"),
    ("mutation { retry }", "GRAPHQL_VALIDATION_FAILED"),
    ("subscription { deals }", "OPERATION_RESOLUTION_FAILURE"),
    ("fragment F on Deal { id }", "OPERATION_RESOLUTION_FAILURE"),
    ("query A { pipeline { key } } query B { pipeline { key } }", "OPERATION_RESOLUTION_FAILURE"),
    ("query ($limit: Int!) { dealQueue(limit: $limit) { nextBefore } }", "BAD_USER_INPUT"),
    ("query ($limit: Int = null) { dealQueue(limit: $limit) { nextBefore } }", "BAD_USER_INPUT"),
]


@pytest.mark.parametrize(("document", "code"), CLIENT_ERRORS)
async def test_a_client_error_has_a_code_and_is_logged_as_information(
    offline_graphql: GraphQLClient, document: str, code: str, logs: list[Any]
) -> None:
    """Without the document, and never at level error."""
    error = await offline_graphql.error(document)
    assert error["extensions"] == {"code": code}
    [logged] = of(logs, "graphql.client_error")
    assert (logged["log_level"], logged["code"]) == ("info", code)
    assert document not in str(logs)
