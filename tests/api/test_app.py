"""The application as a whole: what it serves, and what it does not."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI


async def test_a_websocket_is_closed(offline_app: FastAPI) -> None:
    """There are no subscriptions."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b"", "subprotocols": []}
    await offline_app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_the_graphql_schema_is_the_only_description_of_the_api(
    offline_anonymous: httpx.AsyncClient, path: str
) -> None:
    """FastAPI's own pages are switched off."""
    answer = await offline_anonymous.get(path)
    assert "openapi" not in answer.text.lower()
    assert "swagger" not in answer.text.lower()


async def test_a_method_that_a_path_does_not_allow_gets_405(offline_anonymous: httpx.AsyncClient) -> None:
    """The message names the path and the method."""
    answer = await offline_anonymous.put("/auth/session", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.json()["error"]["message"] == "/auth/session does not allow PUT."
