"""What HubSpot reports about the token and the daily calls, or that it reports nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
import pytest
from structlog.testing import capture_logs

from crm.errors import Unauthorized
from tests.crm.scripted_server import TOKEN, Reply, scripted_client

# HubSpot's answers for other kinds of tokens and accounts.
NOT_REPORTED = [Reply(400), Reply(404)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


async def test_the_scopes_of_the_token_are_reported() -> None:
    """HubSpot takes the token in the body."""
    async with scripted_client(Reply(200, b'{"scopes": ["a.read", "b.read", "a.read"]}')) as (client, server):
        assert await client.token_scopes() == frozenset({"a.read", "b.read"})
    assert orjson.loads(server.bodies[0]) == {"tokenKey": TOKEN.get_secret_value()}


async def test_the_first_reported_usage_is_that_of_the_day() -> None:
    usage = {"currentUsage": 50, "usageLimit": 1000, "resetsAt": "2026-11-06T23:00:00Z"}
    async with scripted_client(Reply(200, orjson.dumps({"results": [usage]}))) as (client, _):
        found = await client.daily_usage()
    assert found is not None
    assert (found.current_usage, found.usage_limit) == (50, 1000)
    assert found.resets_at == datetime(2026, 11, 6, 23, tzinfo=UTC)


@pytest.mark.parametrize("refusal", NOT_REPORTED)
async def test_what_hubspot_does_not_report_is_none(refusal: Reply) -> None:
    async with scripted_client(refusal) as (client, _):
        assert await client.token_scopes() is None
        assert await client.daily_usage() is None


async def test_an_account_without_usage_reports_none() -> None:
    async with scripted_client(Reply(200, b'{"results": []}')) as (client, _):
        assert await client.daily_usage() is None


async def test_a_refused_token_is_an_error() -> None:
    """Not the same as a token whose scopes are not reported."""
    async with scripted_client(Reply(401)) as (client, _):
        with pytest.raises(Unauthorized):
            await client.token_scopes()
