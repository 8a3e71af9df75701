"""Errors: a code and a sentence for the caller, the cause for the log."""

import asyncio
from typing import Any

import pytest

from core.database import Database
from resolvers.loaders import Loaders
from resolvers.rows import DealState
from resolvers.runs import GONE
from tests.graphql import factories
from tests.graphql.asking import Asker


def of(logs: list[Any], event: str) -> list[Any]:
    return [entry for entry in logs if entry["event"] == event]


async def test_an_unexpected_error_is_masked_and_logged_once(
    ask: Asker, database: Database, monkeypatch: pytest.MonkeyPatch, logs: list[Any]
) -> None:
    """Ten deals wait for a loader that fails: the caller learns nothing of why, the log has the cause once."""
    for _ in range(10):
        await factories.queued_deal(database)

    async def fail(*_: Any) -> Any:
        raise ZeroDivisionError("the secret of the loader")

    monkeypatch.setattr(Loaders, "_load_states", fail)
    answer = await ask.answer("{ dealQueue { items { status reason steps { stage } } } }")
    assert answer["data"] is None
    assert "secret" not in str(answer)
    shown = answer["errors"][0]
    assert shown["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert shown["extensions"]["requestId"] in shown["message"]
    [logged] = of(logs, "graphql.unexpected_error")
    assert isinstance(logged["exc_info"], ZeroDivisionError)
    assert logged["exc_info"].__traceback__ is not None


async def test_a_database_that_is_away_shows_no_sql(offline: Asker) -> None:
    """Neither the statement nor the address."""
    error = await offline.error("{ syncStatus { lastSyncAt } }")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"].startswith("Something went wrong in the server.")


async def test_an_answer_that_does_not_fit_the_schema_is_our_error(
    ask: Asker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A null where none may be, a word that no enum has: never the caller's fault."""
    await factories.deal(database)
    for wrong in (None, "NO_SUCH_STATUS"):
        change: Any = {"status": wrong}
        state = GONE._replace(**change)

        async def load(_: Loaders, deal_ids: list[int], state: DealState = state) -> list[DealState]:
            return [state for _ in deal_ids]

        monkeypatch.setattr(Loaders, "_load_states", load)
        error = await ask.error("{ dealQueue { items { status } } }")
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
async def test_a_mistake_of_the_caller_has_a_code_and_is_no_alarm(
    offline: Asker, document: str, code: str, logs: list[Any]
) -> None:
    """It is logged as an event, without the document, and never as an error."""
    error = await offline.error(document)
    assert error["extensions"] == {"code": code}
    [logged] = of(logs, "graphql.client_error")
    assert (logged["log_level"], logged["code"]) == ("info", code)
    assert document not in str(logs)


async def test_the_operation_that_is_named_is_run(offline: Asker) -> None:
    """Of several the named one; a name that is not there is an error."""
    body = {"query": "query A { __typename } query B { b: __typename }", "operationName": "B"}
    assert (await offline.client.post("/graphql", json=body)).json() == {"data": {"b": "Query"}}
    answer = (await offline.client.post("/graphql", json={**body, "operationName": "C"})).json()
    assert answer["errors"][0]["message"] == "The document holds no operation `C`."


async def test_an_answer_that_takes_too_long_is_given_up(
    ask: Asker, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    """The caller is told after the deadline, and the statement does not go on."""
    await factories.deal(database)
    monkeypatch.setattr("schema.execution.DEADLINE_SECONDS", 0.2)

    async def hang(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(Loaders, "_load_states", hang)
    error = await ask.error("{ dealQueue { items { status } } }")
    assert "took longer than 0.2 seconds" in error["message"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
