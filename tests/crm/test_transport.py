"""Every failure of HubSpot becomes one of our errors, with a sentence and without a secret."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest
import stamina
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.errors import ConfigurationError
from crm import errors, retries, transport
from crm.budget.local import LocalBudget
from crm.client import HubSpot
from tests.crm.scripted_server import TOKEN, Reply, scripted_client

PAGE = b"<html><body>502 Bad Gateway</body></html>"
LIMIT = b'{"status":"error","message":"You have reached your secondly limit.","category":"RATE_LIMITS"}'
DAILY = b'{"status":"error","message":"You have reached your daily limit.","policyName":"DAILY"}'
SCOPES = orjson.dumps(
    {
        "message": "This app hasn't been granted all required scopes to make this call.",
        "category": "MISSING_SCOPES",
        "correlationId": "abc-1",
        "errors": [{"context": {"requiredGranularScopes": ["crm.objects.owners.read"]}}],
    }
)


def error_reply(status: int, message: str, **fields: str) -> Reply:
    return Reply(status, orjson.dumps({"status": "error", "message": message, **fields}))


FAULTS = [
    (
        error_reply(401, "Authentication credentials not found.", category="INVALID_AUTHENTICATION"),
        errors.Unauthorized,
        "401",
    ),
    (Reply(403, SCOPES), errors.MissingScopes, "crm.objects.owners.read"),
    (error_reply(403, "You may not."), errors.MissingScopes, "You may not"),
    (error_reply(404, "resource not found"), errors.RecordNotFound, "resource not found"),
    (
        error_reply(400, "Property x does not exist", category="VALIDATION_ERROR"),
        errors.RequestRefused,
        "Property x does not exist",
    ),
    (error_reply(414, "too long"), errors.RequestRefused, "414"),
    (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), errors.RequestRefused, "302"),
    (error_reply(423, "locked"), errors.Locked, "locked"),
    (Reply(429, LIMIT), errors.RateLimited, "secondly limit"),
    (Reply(477, b"", {"Retry-After": "7200"}), errors.ServerError, "477"),
    (Reply(502, PAGE), errors.ServerError, "HTML instead of JSON"),
    (Reply(524, b""), errors.ServerError, "524"),
    (Reply(200, PAGE), errors.BadResponse, "not JSON"),
    (Reply(200, b'{"results": [{"id": "1'), errors.BadResponse, "not JSON"),
    (Reply(200, b"[]"), errors.BadResponse, "not an object"),
    (Reply(200, b'{"results": {}}'), errors.BadResponse, "results"),
    (Reply(200, b'{"results": [{"label": "x"}]}'), errors.BadResponse, "results.0.id"),
    (Reply(200, b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"}), errors.BadResponse, "compression"),
    (Reply(200, b'{"results"', cut=True), errors.ConnectionFailed, "failed"),
]
# Not retried: two hours are too long to wait here, and JSON of a wrong structure is no transient error.
SENT_ONCE = ("477", "results", "results.0.id")


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries without waiting, as many as usual."""
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield


@pytest.mark.parametrize(("reply", "error", "words"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
async def test_each_fault_has_its_own_error(reply: Reply, error: type[errors.CrmError], words: str) -> None:
    """A class of its own, with HubSpot's reason; what will not pass within seconds is not retried."""
    async with scripted_client(reply) as (client, server):
        with capture_logs(), pytest.raises(error) as raised:
            await client.pipelines()
    assert words in str(raised.value)
    assert type(raised.value) is error
    passing = issubclass(error, errors.TransientCrmError) and words not in SENT_ONCE
    again = 2 if error is errors.BadResponse else retries.ATTEMPTS
    assert len(server.requests) == (again if passing else 1)


async def test_a_failed_call_is_retried() -> None:
    """After a 502 and a closed connection the caller gets the response of the third attempt."""
    replies = Reply(502, PAGE), Reply(200, b"{", cut=True), Reply(200, b'{"results": []}')
    async with scripted_client(*replies) as (client, server):
        with capture_logs():
            assert await client.pipelines() == []
    assert len(server.requests) == 3


async def test_after_the_daily_limit_no_call_is_retried() -> None:
    """The limit is reset at midnight, not within seconds."""
    async with scripted_client(Reply(429, DAILY)) as (client, server):
        with capture_logs(), pytest.raises(errors.DailyLimitReached):
            await client.pipelines()
    assert len(server.requests) == 1


async def test_a_missing_response_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.05)
    async with scripted_client(Reply(silent=True)) as (client, _):
        with capture_logs(), pytest.raises(errors.TimedOut):
            await client.pipelines()


class Closed(Reply):
    """The connection is closed without a response."""

    def encoded(self) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("reply", "words"), [(Closed(), "without sending a response"), (Reply(200, b"{", cut=True), "received 1 bytes")]
)
async def test_a_closed_connection_is_reported_in_one_sentence(reply: Reply, words: str) -> None:
    """Some of httpx's messages end with a full stop, others do not."""
    async with scripted_client(reply) as (client, _):
        with capture_logs(), pytest.raises(errors.ConnectionFailed, match=words) as raised:
            await client.pipelines()
    assert str(raised.value).endswith(".")
    assert not str(raised.value).endswith("..")


async def test_a_refused_connection_is_not_connected() -> None:
    async with HubSpot("http://127.0.0.1:1", lambda: TOKEN, LocalBudget()) as client:
        with capture_logs(), pytest.raises(errors.ConnectionFailed, match=r"127\.0\.0\.1"):
            await client.pipelines()


async def test_a_response_that_is_too_large_is_not_read_completely(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit applies to the decompressed body: a small response may expand to a huge one."""
    monkeypatch.setattr(transport, "LARGEST_RESPONSE_BYTES", 1024 * 1024)
    huge = b'{"results": []' + b" " * 2 * 1024 * 1024 + b"}"
    packed = Reply(200, gzip.compress(huge), {"Content-Encoding": "gzip"})
    for reply in (Reply(200, huge), packed):
        async with scripted_client(reply) as (client, _):
            with capture_logs(), pytest.raises(errors.BadResponse, match="more than 1 MB"):
                await client.pipelines()


async def test_a_search_response_without_a_date_header_is_refused() -> None:
    """The sync computes with HubSpot's clock and must not guess it."""
    async with scripted_client(Reply(200, b'{"results": [], "total": 0}')) as (client, _):
        with pytest.raises(errors.BadResponse, match="Date header"):
            await client.search_deals(modified_since=datetime.now(UTC), after_id=0)


async def test_a_cursor_that_does_not_advance_ends_the_read() -> None:
    """Owners are read page by page; a repeated page would be an endless loop."""
    page = b'{"results": [{"id": "1"}], "paging": {"next": {"after": "1", "link": "http://evil.example/"}}}'
    async with scripted_client(Reply(200, page)) as (client, server):
        with pytest.raises(errors.BadResponse, match="same page"):
            await client.owners()
    assert all(request.startswith("GET /crm/owners/") for request in server.requests)


async def test_a_failed_call_is_logged_with_what_hubspots_support_needs() -> None:
    """Neither the log nor the error contains the token, even when HubSpot's message repeats it."""
    secret = TOKEN.get_secret_value()
    async with scripted_client(error_reply(400, f"Bad token {secret}", correlationId="abc-2")) as (client, _):
        with capture_logs() as logs, pytest.raises(errors.RequestRefused) as raised:
            await client.pipelines()
    assert raised.value.correlation_id == "abc-2"
    assert [(entry["event"], entry["status"], entry["correlation_id"]) for entry in logs] == [
        ("hubspot.call_failed", 400, "abc-2")
    ]
    assert "canary" not in f"{logs}{raised.value}{raised.value!r}"


async def test_a_proxy_of_the_environment_is_not_used_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would see the token unencrypted, and could not reach our loopback anyway."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with scripted_client(Reply(200, b'{"results": []}')) as (client, server):
        await client.pipelines()
    assert len(server.requests) == 1


async def test_the_token_is_sent_and_shown_nowhere() -> None:
    async with scripted_client(Reply(200, b'{"results": []}')) as (client, server):
        await client.pipelines()
        assert "canary" not in repr(client)
    assert f"authorization: Bearer {TOKEN.get_secret_value()}".lower() in server.requests[0].lower()


@pytest.mark.parametrize(
    "url", ["https://api.hubapi.com", "http://127.0.0.1:9410", "http://[::1]:9410", "http://localhost"]
)
def test_the_token_is_sent_by_tls_or_to_loopback(url: str) -> None:
    assert transport.checked_base_url(url) == httpx.URL(url)


@pytest.mark.parametrize(
    "url",
    ["http://api.hubapi.com", "http://10.0.0.1", "ftp://127.0.0.1", "api.hubapi.com", "https://", "https://me:pw@host",
     "https://host/?x=1", "http://127.0.0.1.evil.example", "https://host:port", ""],
)  # fmt: skip
def test_any_other_base_url_is_refused(url: str) -> None:
    """The message names the setting and contains no password."""
    with pytest.raises(ConfigurationError, match="HUBSPOT_BASE_URL") as raised:
        HubSpot(url, lambda: TOKEN, LocalBudget())
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "tökén"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="HUBSPOT_TOKEN") as raised:
        HubSpot("https://api.hubapi.com", lambda: SecretStr(token), LocalBudget())
    assert not token.strip() or token not in str(raised.value)
