"""A page of another site can do nothing with the session cookie."""

from typing import Any

import httpx
import pytest

from tests.api.application import ADMIN_TOKEN, ORIGIN

SESSION = "/auth/session"


CROSS_ORIGIN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    {"Origin": "http://evil.example"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "null"},
]


SAME_ORIGIN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": ORIGIN},
    {},
]


async def test_a_page_of_another_site_cannot_use_the_cookie(anonymous: httpx.AsyncClient) -> None:
    """It can neither query, nor sign in, nor sign out; this server's own page can."""
    await anonymous.post(SESSION, json={"token": ADMIN_TOKEN})
    query = {"query": "{ __typename }"}
    for headers in CROSS_ORIGIN:
        refused: list[Any] = [
            await anonymous.post("/graphql", json=query, headers=headers),
            await anonymous.post(SESSION, json={"token": ADMIN_TOKEN}, headers=headers),
            await anonymous.delete(SESSION, headers=headers),
        ]
        assert [answer.status_code for answer in refused] == [403, 403, 403], headers
        assert refused[0].json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for headers in SAME_ORIGIN:
        assert (await anonymous.post("/graphql", json=query, headers=headers)).status_code == 200, headers


@pytest.mark.parametrize("headers", CROSS_ORIGIN)
async def test_the_origin_does_not_matter_with_a_token(
    offline_admin: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """No browser sends a token by itself."""
    assert (await offline_admin.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code == 200
