"""What every answer carries."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.request_middleware import HEADERS, PAGE_CSP
from tests.api.application import BEARER, client_of


async def test_every_answer_has_an_id_and_the_headers_that_protect(nobody: httpx.AsyncClient) -> None:
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
        answer = await nobody.request(method, path, headers=headers)
        assert (
            HEADERS.items()
            <= {name.title().replace("Id", "Id"): value for name, value in answer.headers.items()}.items()
        )
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 8


def test_the_pages_policy_allows_nothing_but_itself() -> None:
    """No foreign source, no inline script, no frame around it."""
    assert PAGE_CSP == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


async def test_an_accident_is_an_answer_with_an_id_and_a_line_in_the_log(offline: FastAPI, logs: list[Any]) -> None:
    """The caller gets no trace of the exception."""

    async def accident(_: Any) -> Any:
        raise ZeroDivisionError("secret")

    offline.router.routes.append(Route("/accident", accident))
    async with client_of(offline) as client:
        answer = await client.get("/accident")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [entry["event"] for entry in logs] == ["http.unexpected_error"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_there_is_no_second_description_of_the_api(nobody: httpx.AsyncClient, path: str) -> None:
    """The GraphQL schema is the only one."""
    answer = await nobody.get(path)
    assert "openapi" not in answer.text.lower()
    assert "swagger" not in answer.text.lower()


async def test_a_method_that_a_path_does_not_have_is_named(nobody: httpx.AsyncClient) -> None:
    """405 with the methods that it has."""
    answer = await nobody.put("/auth/session", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.json()["error"]["message"] == "/auth/session does not take PUT."
