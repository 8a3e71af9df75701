"""Queries the API as a client does: POSTs a document, reads JSON; with the fixtures that use it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from core.database import Database
from tests.api.application import BEARER, application, client_of, unreachable_database


class GraphQLClient:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a response without errors."""
        response = await self.response(document, **variables)
        assert "errors" not in response, response["errors"]
        data: dict[str, Any] = response["data"]
        return data

    async def error(self, document: str, **variables: Any) -> dict[str, Any]:
        """The only error of the response."""
        response = await self.response(document, **variables)
        assert len(response["errors"]) == 1, response["errors"]
        error: dict[str, Any] = response["errors"][0]
        return error

    async def response(self, document: str, **variables: Any) -> dict[str, Any]:
        response = await self.client.post("/graphql", json={"query": document, "variables": variables})
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


@pytest.fixture
async def graphql(database: Database, tmp_path: Path) -> AsyncIterator[GraphQLClient]:
    """The API on the test's database, with the admin's token."""
    async with client_of(application(database, tmp_path), **BEARER) as client:
        yield GraphQLClient(client)


@pytest.fixture
async def offline_graphql(tmp_path: Path) -> AsyncIterator[GraphQLClient]:
    """The API while its database is unavailable."""
    async with client_of(application(unreachable_database(), tmp_path), **BEARER) as client:
        yield GraphQLClient(client)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """The log entries of the test."""
    with capture_logs() as entries:
        yield entries
