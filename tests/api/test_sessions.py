"""Signing a browser in and out: link, code, cookie."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.session.sessions import Sessions
from core.database import Database
from resolvers.viewer import Role, Viewer
from tests import factories
from tests.api.application import ADMIN_TOKEN, COOKIE, ORIGIN, client_of

SESSION = "/auth/session"
ADA = Viewer("ada", Role.OPERATOR)


async def code_of(database: Database, viewer: Viewer = ADA) -> str:
    return await Sessions(database).offer(viewer)


async def test_a_code_signs_in_and_the_cookie_opens(anyone: httpx.AsyncClient, database: Database) -> None:
    """204 with a cookie that no script can read and no other site's request carries."""
    answer = await anyone.post(SESSION, json={"code": await code_of(database)})
    assert (answer.status_code, answer.content) == (204, b"")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", "Max-Age=28800", "Path=/", "SameSite=strict"}
    assert (await anyone.get(SESSION)).json() == {"name": "ada", "role": "operator"}
    assert (await anyone.post("/graphql", json={"query": "{ __typename }"})).status_code == 200


async def test_a_code_works_once(anyone: httpx.AsyncClient, database: Database) -> None:
    """The second use is refused with a sentence that says how to get another."""
    code = await code_of(database)
    assert (await anyone.post(SESSION, json={"code": code})).status_code == 204
    again = await anyone.post(SESSION, json={"code": code})
    assert (again.status_code, again.json()["error"]["code"]) == (401, "INVALID_CODE")
    assert "python -m api link" in again.json()["error"]["message"]
    assert "set-cookie" not in again.headers


async def test_a_code_is_good_for_ten_minutes_by_the_databases_clock(
    anyone: httpx.AsyncClient, database: Database
) -> None:
    """Whatever the clock of this machine says."""
    code = await code_of(database)
    left = await factories.one(database, "SELECT extract(epoch FROM expires_at - now()) FROM sign_in_codes")
    assert 590 < left <= 600
    await database.run(text("UPDATE sign_in_codes SET expires_at = now()"))
    assert (await anyone.post(SESSION, json={"code": code})).status_code == 401


async def test_a_token_signs_in_as_its_owner(anyone: httpx.AsyncClient) -> None:
    """For whoever has a token and no link; a wrong one is told apart from a wrong code."""
    wrong = await anyone.post(SESSION, json={"token": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "INVALID_TOKEN")
    assert (await anyone.post(SESSION, json={"token": ADMIN_TOKEN})).status_code == 204
    assert (await anyone.get(SESSION)).json() == {"name": "admin", "role": "admin"}


async def test_behind_tls_the_cookie_is_secure(anyone: httpx.AsyncClient) -> None:
    """The browser's own Origin tells that it came by https."""
    headers = {"Origin": "https://127.0.0.1:8000"}
    answer = await anyone.post(SESSION, json={"token": ADMIN_TOKEN}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


async def test_signing_out_ends_the_session_everywhere(anyone: httpx.AsyncClient, app: FastAPI) -> None:
    """The cookie is taken back, and a copy of it opens nothing."""
    cookie = (await anyone.post(SESSION, json={"token": ADMIN_TOKEN})).cookies[COOKIE]
    gone = await anyone.delete(SESSION)
    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    async with client_of(app, Cookie=f"{COOKIE}={cookie}") as thief:
        assert (await thief.get(SESSION)).status_code == 401
        assert (await thief.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
    assert (await anyone.delete(SESSION)).status_code == 204


async def test_the_database_holds_no_secret(anyone: httpx.AsyncClient, database: Database) -> None:
    """Who reads its backups can sign in as nobody."""
    code = await code_of(database)
    cookie = (await anyone.post(SESSION, json={"token": ADMIN_TOKEN})).cookies[COOKIE]
    stored = await factories.rows(
        database, "SELECT s::text AS s FROM sessions s UNION SELECT c::text FROM sign_in_codes c"
    )
    assert len(stored) == 2
    assert not any(secret in str(stored) for secret in (code, cookie, code.encode().hex(), cookie.encode().hex()))


async def test_what_is_not_one_credential_is_refused(anyone: httpx.AsyncClient, database: Database) -> None:
    """400 with what to send; a right code beside something else is not used up."""
    code = await code_of(database)
    for body in ({}, {"code": 1}, {"code": code, "token": "x"}, {"password": "x"}, {"code": None}):
        answer = await anyone.post(SESSION, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST"), body
    assert (await anyone.post(SESSION, content=f"code={code}")).status_code == 415
    assert (await anyone.post(SESSION, json={"code": code})).status_code == 204


async def test_nobody_is_signed_in_at_first(anyone: httpx.AsyncClient) -> None:
    """The page asks this to know whether to show the sign-in."""
    answer = await anyone.get(SESSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.now(UTC)


async def test_a_session_is_looked_up_once_in_five_seconds(database: Database) -> None:
    """Polling costs no statement; a session that another process ended is believed no longer than that."""
    clock = Hands()
    sessions = Sessions(database, clock)
    secret = await sessions.begin(ADA)
    assert await sessions.find(secret) == ADA
    await database.run(text("DELETE FROM sessions"))
    clock.seconds = 104.9
    assert await sessions.find(secret) == ADA
    clock.seconds = 105.0
    assert await sessions.find(secret) is None


async def test_a_session_lasts_eight_hours(database: Database) -> None:
    """However often it is used; then its cookie signs nobody in."""
    sessions = Sessions(database, Hands())
    old = await sessions.begin(ADA)
    assert await factories.one(database, "SELECT expires_at - created_at = interval '8 hours' FROM sessions")
    await database.run(text("UPDATE sessions SET expires_at = now()"))
    assert await sessions.find(old) is None


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    {"Origin": "http://evil.example"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "null"},
]
OURS: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": ORIGIN},
    {},
]


async def test_a_foreign_page_can_do_nothing_with_the_cookie(anyone: httpx.AsyncClient) -> None:
    """It can neither ask, nor sign in as somebody else, nor sign out; our own page can."""
    await anyone.post(SESSION, json={"token": ADMIN_TOKEN})
    query = {"query": "{ __typename }"}
    for headers in FOREIGN:
        refused: list[Any] = [
            await anyone.post("/graphql", json=query, headers=headers),
            await anyone.post(SESSION, json={"token": ADMIN_TOKEN}, headers=headers),
            await anyone.delete(SESSION, headers=headers),
        ]
        assert [answer.status_code for answer in refused] == [403, 403, 403], headers
        assert refused[0].json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for headers in OURS:
        assert (await anyone.post("/graphql", json=query, headers=headers)).status_code == 200, headers


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_token_is_no_cookie(admin: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """No browser sends it by itself, so where it comes from does not matter."""
    assert (await admin.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code == 200
