"""Which credential of a request counts, and whom it identifies."""

import httpx
import pytest
from starlette.datastructures import Headers

from api.session.credentials import Credential, Credentials
from api.session.sessions import Sessions
from api.session.throttle import Throttle
from api.session.tokens import Tokens
from tests.api.application import ADMIN_TOKEN, COOKIE, unreachable_database

QUERY = {"query": "{ __typename }"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_case_insensitive(offline_anonymous: httpx.AsyncClient, scheme: str) -> None:
    """As RFC 9110 says."""
    answer = await offline_anonymous.post("/graphql", json=QUERY, headers={"Authorization": f"{scheme} {ADMIN_TOKEN}"})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN, f"Bearer {ADMIN_TOKEN}x", "Bearer ÿþ"]
)
async def test_a_malformed_or_wrong_authorization_gets_401(offline_anonymous: httpx.AsyncClient, value: str) -> None:
    """Never a 500, whatever bytes it consists of."""
    headers = {b"Authorization": value.encode("latin-1")}
    assert (await offline_anonymous.post("/graphql", json=QUERY, headers=headers)).status_code == 401


async def test_a_token_in_the_url_does_not_count(offline_anonymous: httpx.AsyncClient) -> None:
    """URLs end up in logs."""
    answer = await offline_anonymous.post(
        "/graphql", json=QUERY, params={"token": ADMIN_TOKEN, "access_token": ADMIN_TOKEN}
    )
    assert answer.status_code == 401


def test_a_bearer_token_takes_precedence_over_the_cookie() -> None:
    """A request with both is identified by its token."""
    credentials = Credentials(Tokens(()), Sessions(unreachable_database()), Throttle(), cookie=COOKIE)
    both = Headers({"Authorization": "Bearer a-token", "Cookie": f"{COOKIE}=a-session"})
    assert credentials.read(both) == Credential("bearer", "a-token")
    cookie_only = Headers({"Cookie": f"other=x; {COOKIE}=a-session"})
    assert credentials.read(cookie_only) == Credential("cookie", "a-session")
    assert credentials.read(Headers({"Cookie": "other=x"})) is None
