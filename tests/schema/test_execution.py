"""An operation has a deadline."""

import asyncio
from typing import Any

import pytest

from core.database import Database
from resolvers.loaders import Loaders
from tests import factories
from tests.api.graphql_client import GraphQLClient


async def test_an_operation_that_takes_too_long_is_stopped(
    graphql: GraphQLClient, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    """After the deadline the response is an error."""
    await factories.insert_deal(database)
    monkeypatch.setattr("schema.execution.DEADLINE_SECONDS", 0.2)

    async def hang(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(Loaders, "_load_states", hang)
    error = await graphql.error("{ dealQueue { items { status } } }")
    assert "took longer than 0.2 seconds" in error["message"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
