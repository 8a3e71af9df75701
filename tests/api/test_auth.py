"""Closed by default: nobody reads anything without a credential."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.session.authenticator import is_closed
from api.session.throttle import MOST_FAILURES, Throttle
from tests.api.application import ADMIN_TOKEN, BEARER, client_of

# What may be had by anyone: signing in, and whether the process lives.
OPEN = {"/auth/session", "/healthz", "/readyz"}
QUERY = {"query": "{ __typename }"}
WRONG = {"Authorization": "Bearer wrong"}


def test_every_route_is_closed_unless_it_is_known_to_be_open(offline: FastAPI) -> None:
    """Whoever adds a route adds it to one of the two lists."""
    paths = {route.path for route in offline.routes if isinstance(route, Route)}
    assert {path for path in paths if not is_closed(path)} == OPEN


async def test_without_a_credential_there_is_no_answer(nobody: httpx.AsyncClient) -> None:
    """401 in the form of GraphQL, with the scheme to use, whatever the method and whatever the body."""
    for method, content in (("POST", b'{"query": "{ __typename }"}'), ("POST", b"\xff"), ("GET", b""), ("PUT", b"x")):
        answer = await nobody.request(method, "/graphql", content=content)
        assert answer.status_code == 401
        assert answer.json() == {
            "errors": [{"message": "Sign in to use this API.", "extensions": {"code": "UNAUTHENTICATED"}}]
        }
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_nobody_is_refused_before_the_body_is_read(nobody: httpx.AsyncClient) -> None:
    """A caller without a credential cannot make the server take in anything."""
    read: list[int] = []

    async def body() -> Any:
        read.append(1)
        yield b"{}"

    assert (await nobody.post("/graphql", content=body())).status_code == 401
    assert read == []


@pytest.mark.parametrize("path", ["/graphql/", "/graphql/x", "/metrics", "/metrics/", "/%67raphql"])
async def test_other_spellings_of_a_closed_path_are_closed(nobody: httpx.AsyncClient, path: str) -> None:
    """And a Host header changes nothing: the path alone decides."""
    for host in ("127.0.0.1:8000", "x/healthz?"):
        assert (await nobody.get(path, headers={"Host": host})).status_code == 401


async def test_graphiql_sends_nobody_to_sign_in(nobody: httpx.AsyncClient) -> None:
    """The page comes back to it afterwards."""
    answer = await nobody.get("/graphiql")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?next=/graphiql")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_token_opens_whatever_the_case_of_the_scheme(nobody: httpx.AsyncClient, scheme: str) -> None:
    """RFC 9110: schemes have no case."""
    answer = await nobody.post("/graphql", json=QUERY, headers={"Authorization": f"{scheme} {ADMIN_TOKEN}"})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN, f"Bearer {ADMIN_TOKEN}x", "Bearer ÿþ"]
)
async def test_a_wrong_authorization_is_none(nobody: httpx.AsyncClient, value: str) -> None:
    """401, never an error, whatever bytes it is made of."""
    headers = {b"Authorization": value.encode("latin-1")}
    assert (await nobody.post("/graphql", json=QUERY, headers=headers)).status_code == 401


async def test_a_token_in_the_address_is_none(nobody: httpx.AsyncClient) -> None:
    """Addresses end up in logs."""
    answer = await nobody.post("/graphql", json=QUERY, params={"token": ADMIN_TOKEN, "access_token": ADMIN_TOKEN})
    assert answer.status_code == 401


async def test_guessing_is_slowed_down_and_a_right_token_never_is(nobody: httpx.AsyncClient) -> None:
    """After forty wrong tokens 429 instead of 401; meanwhile the right one is let in."""
    codes = [(await nobody.post("/graphql", json=QUERY, headers=WRONG)).status_code for _ in range(MOST_FAILURES + 5)]
    assert codes == [401] * MOST_FAILURES + [429] * 5
    refused = await nobody.post("/graphql", json=QUERY, headers=WRONG)
    assert refused.headers["retry-after"] == "10"
    assert refused.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
    assert (await nobody.post("/graphql", json=QUERY, headers=BEARER)).status_code == 200
    assert (await nobody.post("/graphql", json=QUERY)).status_code == 401


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> Any:
        raise AssertionError("failures are counted by the monotonic clock alone")


def test_failures_are_counted_for_each_address_and_forgotten() -> None:
    """Ten seconds later an address begins anew; another one was never hindered."""
    clock = Hands()
    throttle = Throttle(clock)
    assert [throttle.failed("a") for _ in range(MOST_FAILURES + 1)] == [False] * MOST_FAILURES + [True]
    assert not throttle.failed("b")
    clock.seconds = 9.9
    assert throttle.failed("a")
    clock.seconds = 10.0
    assert not throttle.failed("a")


async def test_a_websocket_is_closed(offline: FastAPI) -> None:
    """There are no subscriptions."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b"", "subprotocols": []}
    await offline(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_an_absent_database_does_not_open_anything(offline: FastAPI, logs: list[Any]) -> None:
    """A session cannot be checked: 503, and the log says why."""
    async with client_of(offline, Cookie="deal_queue_session_8000=x") as client:
        answer = await client.post("/graphql", json=QUERY)
    assert answer.status_code == 503
    error = answer.json()["errors"][0]
    assert error["message"].startswith("The database does not answer.")
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert [entry["event"] for entry in logs] == ["http.unexpected_error"]
