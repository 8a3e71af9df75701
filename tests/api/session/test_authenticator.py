"""Every path is protected unless it is known to be open: no answer without a credential."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.session.authenticator import is_protected
from api.session.throttle import MAX_FAILURES
from core.database import Database
from tests.api.application import BEARER, application, client_of

# Needs no credential: signing in, and whether the process is alive and ready.
OPEN = {"/auth/session", "/healthz", "/readyz"}


QUERY = {"query": "{ __typename }"}


WRONG = {"Authorization": "Bearer wrong"}


def test_every_route_is_protected_unless_it_is_listed_as_open(offline_app: FastAPI) -> None:
    """A new route must be added to one of the two lists."""
    paths = {route.path for route in offline_app.routes if isinstance(route, Route)}
    assert {path for path in paths if not is_protected(path)} == OPEN


async def test_a_request_without_a_credential_gets_401(offline_anonymous: httpx.AsyncClient) -> None:
    """As a GraphQL error, with the scheme to use, whatever the method and the body."""
    for method, content in (("POST", b'{"query": "{ __typename }"}'), ("POST", b"\xff"), ("GET", b""), ("PUT", b"x")):
        answer = await offline_anonymous.request(method, "/graphql", content=content)
        assert answer.status_code == 401
        assert answer.json() == {
            "errors": [{"message": "Sign in to use this API.", "extensions": {"code": "UNAUTHENTICATED"}}]
        }
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_request_without_a_credential_is_refused_before_its_body_is_read(
    offline_anonymous: httpx.AsyncClient,
) -> None:
    """A caller without a credential cannot make the server read anything."""
    read: list[int] = []

    async def body() -> Any:
        read.append(1)
        yield b"{}"

    assert (await offline_anonymous.post("/graphql", content=body())).status_code == 401
    assert read == []


@pytest.mark.parametrize("path", ["/graphql/", "/graphql/x", "/metrics", "/metrics/", "/%67raphql"])
async def test_other_spellings_of_a_protected_path_are_protected(
    offline_anonymous: httpx.AsyncClient, path: str
) -> None:
    """The Host header changes nothing: the path alone decides."""
    for host in ("127.0.0.1:8000", "x/healthz?"):
        assert (await offline_anonymous.get(path, headers={"Host": host})).status_code == 401


async def test_graphiql_redirects_to_the_sign_in(offline_anonymous: httpx.AsyncClient) -> None:
    """After the sign-in the page returns to GraphiQL."""
    answer = await offline_anonymous.get("/graphiql")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?next=/graphiql")


async def test_guessing_is_throttled_and_a_valid_token_never_is(offline_anonymous: httpx.AsyncClient) -> None:
    """After forty wrong tokens 429 instead of 401; the valid token still gets 200."""
    codes = [
        (await offline_anonymous.post("/graphql", json=QUERY, headers=WRONG)).status_code
        for _ in range(MAX_FAILURES + 5)
    ]
    assert codes == [401] * MAX_FAILURES + [429] * 5
    refused = await offline_anonymous.post("/graphql", json=QUERY, headers=WRONG)
    assert refused.headers["retry-after"] == "10"
    assert refused.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert (await offline_anonymous.post("/graphql", json=QUERY, headers=BEARER)).status_code == 200
    assert (await offline_anonymous.post("/graphql", json=QUERY)).status_code == 401


async def test_while_the_database_is_unavailable_a_cookie_gets_503(offline_app: FastAPI, logs: list[Any]) -> None:
    """The session cannot be checked; the log has the reason."""
    async with client_of(offline_app, Cookie="deal_queue_session_8000=x") as client:
        answer = await client.post("/graphql", json=QUERY)
    assert answer.status_code == 503
    error = answer.json()["errors"][0]
    assert error["message"].startswith("The database does not answer.")
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert [entry["event"] for entry in logs] == ["http.unexpected_error"]


async def test_a_database_without_tables_does_not_open_anything(empty_database_url: str, tmp_path: Path) -> None:
    """Until the migrations have run a session cannot be checked either."""
    database = Database.connect(empty_database_url, name="test")
    async with client_of(application(database, tmp_path), Cookie="deal_queue_session_8000=x") as client:
        assert (await client.post("/graphql", json=QUERY)).status_code == 503
    await database.close()
