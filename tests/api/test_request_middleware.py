"""What every response carries, and what an exception becomes."""

from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import Route

from api.security_headers import HEADERS
from tests.api.application import BEARER, client_of


async def test_every_response_has_a_request_id_and_the_security_headers(offline_anonymous: httpx.AsyncClient) -> None:
    """Data, errors and redirects alike."""
    ids = set()
    for method, path, headers in (
        ("GET", "/healthz", {}),
        ("GET", "/readyz", {}),
        ("GET", "/nothing.txt", {}),
        ("GET", "/graphiql", {}),
        ("POST", "/graphql", {}),
        ("GET", "/graphql", BEARER),
        ("GET", "/metrics", BEARER),
        ("DELETE", "/auth/session", {}),
    ):
        answer = await offline_anonymous.request(method, path, headers=headers)
        assert (
            HEADERS.items()
            <= {name.title().replace("Id", "Id"): value for name, value in answer.headers.items()}.items()
        )
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 8


async def test_an_exception_becomes_a_500_with_a_request_id_and_a_log_entry(
    offline_app: FastAPI, logs: list[Any]
) -> None:
    """The response reveals nothing of the exception."""

    async def fail(_: Any) -> Any:
        raise ZeroDivisionError("secret")

    offline_app.router.routes.append(Route("/failing", fail))
    async with client_of(offline_app) as client:
        answer = await client.get("/failing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [entry["event"] for entry in logs] == ["http.unexpected_error"]
