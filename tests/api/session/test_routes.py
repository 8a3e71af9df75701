"""Signing a browser in and out: link, code, cookie."""

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from api.session.sessions import Sessions
from core.database import Database
from resolvers.viewer import Role, Viewer
from tests import factories
from tests.api.application import ADMIN_TOKEN, COOKIE, client_of

SESSION = "/auth/session"


ADA = Viewer("ada", Role.OPERATOR)


async def code_of(database: Database, viewer: Viewer = ADA) -> str:
    return await Sessions(database).create_code(viewer)


async def test_a_code_signs_in_and_its_cookie_authenticates(anonymous: httpx.AsyncClient, database: Database) -> None:
    """204 with a cookie that no script can read and no request of another site carries."""
    answer = await anonymous.post(SESSION, json={"code": await code_of(database)})
    assert (answer.status_code, answer.content) == (204, b"")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", "Max-Age=28800", "Path=/", "SameSite=strict"}
    assert (await anonymous.get(SESSION)).json() == {"name": "ada", "role": "operator"}
    assert (await anonymous.post("/graphql", json={"query": "{ __typename }"})).status_code == 200


async def test_a_code_works_once(anonymous: httpx.AsyncClient, database: Database) -> None:
    """The second use is refused; the message says how to get another link."""
    code = await code_of(database)
    assert (await anonymous.post(SESSION, json={"code": code})).status_code == 204
    again = await anonymous.post(SESSION, json={"code": code})
    assert (again.status_code, again.json()["error"]["code"]) == (401, "INVALID_CODE")
    assert "python -m api link" in again.json()["error"]["message"]
    assert "set-cookie" not in again.headers


async def test_a_code_expires_after_ten_minutes_by_the_databases_clock(
    anonymous: httpx.AsyncClient, database: Database
) -> None:
    """The clock of the API's host does not matter."""
    code = await code_of(database)
    left = await factories.one(database, "SELECT extract(epoch FROM expires_at - now()) FROM sign_in_codes")
    assert 590 < left <= 600
    await database.run(text("UPDATE sign_in_codes SET expires_at = now()"))
    assert (await anonymous.post(SESSION, json={"code": code})).status_code == 401


async def test_a_token_signs_in_as_its_owner(anonymous: httpx.AsyncClient) -> None:
    """A wrong token has another error code than a wrong sign-in code."""
    wrong = await anonymous.post(SESSION, json={"token": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "INVALID_TOKEN")
    assert (await anonymous.post(SESSION, json={"token": ADMIN_TOKEN})).status_code == 204
    assert (await anonymous.get(SESSION)).json() == {"name": "admin", "role": "admin"}


async def test_behind_tls_the_cookie_is_secure(anonymous: httpx.AsyncClient) -> None:
    """The browser's Origin header says that it uses https."""
    headers = {"Origin": "https://127.0.0.1:8000"}
    answer = await anonymous.post(SESSION, json={"token": ADMIN_TOKEN}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


async def test_signing_out_ends_the_session_everywhere(anonymous: httpx.AsyncClient, app: FastAPI) -> None:
    """The cookie is deleted, and a copy of it is no longer accepted."""
    cookie = (await anonymous.post(SESSION, json={"token": ADMIN_TOKEN})).cookies[COOKIE]
    gone = await anonymous.delete(SESSION)
    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    async with client_of(app, Cookie=f"{COOKIE}={cookie}") as thief:
        assert (await thief.get(SESSION)).status_code == 401
        assert (await thief.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
    assert (await anonymous.delete(SESSION)).status_code == 204


async def test_the_database_holds_no_secret(anonymous: httpx.AsyncClient, database: Database) -> None:
    """A reader of its backups cannot sign in."""
    code = await code_of(database)
    cookie = (await anonymous.post(SESSION, json={"token": ADMIN_TOKEN})).cookies[COOKIE]
    stored = await factories.rows(
        database, "SELECT s::text AS s FROM sessions s UNION SELECT c::text FROM sign_in_codes c"
    )
    assert len(stored) == 2
    assert not any(secret in str(stored) for secret in (code, cookie, code.encode().hex(), cookie.encode().hex()))


async def test_a_body_without_exactly_one_credential_is_refused(
    anonymous: httpx.AsyncClient, database: Database
) -> None:
    """400 with what to send; a valid code next to something else is not used up."""
    code = await code_of(database)
    for body in ({}, {"code": 1}, {"code": code, "token": "x"}, {"password": "x"}, {"code": None}):
        answer = await anonymous.post(SESSION, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST"), body
    assert (await anonymous.post(SESSION, content=f"code={code}")).status_code == 415
    assert (await anonymous.post(SESSION, json={"code": code})).status_code == 204


async def test_without_a_session_the_response_is_401(anonymous: httpx.AsyncClient) -> None:
    """The page shows the sign-in then."""
    answer = await anonymous.get(SESSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
