"""What HubSpot answers in bad moments becomes one of our errors, in words, without a secret."""

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
from tests.crm.answering import TOKEN, Reply, answering

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


def told(status: int, message: str, **fields: str) -> Reply:
    return Reply(status, orjson.dumps({"status": "error", "message": message, **fields}))


FAULTS = [
    (told(401, "Authentication credentials not found.", category="INVALID_AUTHENTICATION"), errors.Unauthorized, "401"),
    (Reply(403, SCOPES), errors.MissingScopes, "crm.objects.owners.read"),
    (told(403, "You may not."), errors.MissingScopes, "You may not"),
    (told(404, "resource not found"), errors.RecordNotFound, "resource not found"),
    (
        told(400, "Property x does not exist", category="VALIDATION_ERROR"),
        errors.RequestRefused,
        "Property x does not exist",
    ),
    (told(414, "too long"), errors.RequestRefused, "414"),
    (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), errors.RequestRefused, "302"),
    (told(423, "locked"), errors.Locked, "locked"),
    (Reply(429, LIMIT), errors.RateLimited, "secondly limit"),
    (Reply(477, b"", {"Retry-After": "7200"}), errors.ServerError, "477"),
    (Reply(502, PAGE), errors.ServerError, "a page instead of JSON"),
    (Reply(524, b""), errors.ServerError, "524"),
    (Reply(200, PAGE), errors.BadResponse, "not JSON"),
    (Reply(200, b'{"results": [{"id": "1'), errors.BadResponse, "not JSON"),
    (Reply(200, b"[]"), errors.BadResponse, "not an object"),
    (Reply(200, b'{"results": {}}'), errors.BadResponse, "results"),
    (Reply(200, b'{"results": [{"label": "x"}]}'), errors.BadResponse, "results.0.id"),
    (Reply(200, b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"}), errors.BadResponse, "compression"),
    (Reply(200, b'{"results"', cut=True), errors.ConnectionFailed, "failed"),
]
# Two hours are too long to wait here; JSON of another shape comes from another HubSpot, not from a bad moment.
ASKED_ONCE = ("477", "results", "results.0.id")


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Calls are tried again at once, as often as they would be."""
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield


@pytest.mark.parametrize(("reply", "error", "words"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
async def test_each_fault_is_told_apart(reply: Reply, error: type[errors.CrmError], words: str) -> None:
    """By a class of its own, with HubSpot's reason; what will not pass within seconds is asked once only."""
    async with answering(reply) as (client, server):
        with capture_logs(), pytest.raises(error) as raised:
            await client.pipelines()
    assert words in str(raised.value)
    assert type(raised.value) is error
    passing = issubclass(error, errors.TransientCrmError) and words not in ASKED_ONCE
    again = 2 if error is errors.BadResponse else retries.ATTEMPTS
    assert len(server.requests) == (again if passing else 1)


async def test_a_call_that_failed_once_is_made_again() -> None:
    """502, a cut connection, then the answer: the caller sees the answer alone."""
    replies = Reply(502, PAGE), Reply(200, b"{", cut=True), Reply(200, b'{"results": []}')
    async with answering(*replies) as (client, server):
        with capture_logs():
            assert await client.pipelines() == []
    assert len(server.requests) == 3


async def test_the_daily_limit_is_not_hammered() -> None:
    """It passes at midnight, not within a second."""
    async with answering(Reply(429, DAILY)) as (client, server):
        with capture_logs(), pytest.raises(errors.DailyLimitReached):
            await client.pipelines()
    assert len(server.requests) == 1


async def test_an_answer_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.05)
    async with answering(Reply(silent=True)) as (client, _):
        with capture_logs(), pytest.raises(errors.TimedOut):
            await client.pipelines()


class Closed(Reply):
    """The connection is closed, and nothing sent."""

    def encoded(self) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("reply", "words"), [(Closed(), "without sending a response"), (Reply(200, b"{", cut=True), "received 1 bytes")]
)
async def test_a_cut_connection_is_told_in_one_sentence(reply: Reply, words: str) -> None:
    """Of httpx's messages some end in a full stop, others do not."""
    async with answering(reply) as (client, _):
        with capture_logs(), pytest.raises(errors.ConnectionFailed, match=words) as raised:
            await client.pipelines()
    assert str(raised.value).endswith(".")
    assert not str(raised.value).endswith("..")


async def test_nobody_listening_is_a_connection_that_failed() -> None:
    async with HubSpot("http://127.0.0.1:1", lambda: TOKEN, LocalBudget()) as client:
        with capture_logs(), pytest.raises(errors.ConnectionFailed, match=r"127\.0\.0\.1"):
            await client.pipelines()


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as it comes nor unpacked: a small answer may be compressed from a huge one."""
    monkeypatch.setattr(transport, "LARGEST_ANSWER_BYTES", 1024 * 1024)
    huge = b'{"results": []' + b" " * 2 * 1024 * 1024 + b"}"
    packed = Reply(200, gzip.compress(huge), {"Content-Encoding": "gzip"})
    for reply in (Reply(200, huge), packed):
        async with answering(reply) as (client, _):
            with capture_logs(), pytest.raises(errors.BadResponse, match="more than 1 MB"):
                await client.pipelines()


async def test_a_search_without_hubspots_time_is_no_answer() -> None:
    """The sync reckons by HubSpot's clock; it must not guess."""
    async with answering(Reply(200, b'{"results": [], "total": 0}')) as (client, _):
        with pytest.raises(errors.BadResponse, match="Date header"):
            await client.search_deals(modified_since=datetime.now(UTC), after_id=0)


async def test_a_cursor_that_leads_nowhere_ends() -> None:
    """Owners come page by page; the same page again would go on for ever."""
    page = b'{"results": [{"id": "1"}], "paging": {"next": {"after": "1", "link": "http://evil.example/"}}}'
    async with answering(Reply(200, page)) as (client, server):
        with pytest.raises(errors.BadResponse, match="same page"):
            await client.owners()
    assert all(request.startswith("GET /crm/owners/") for request in server.requests)


async def test_a_failed_call_is_logged_with_what_hubspots_support_asks_for() -> None:
    """And neither the log nor the error holds the token, even where HubSpot's text repeats it."""
    secret = TOKEN.get_secret_value()
    async with answering(told(400, f"Bad token {secret}", correlationId="abc-2")) as (client, _):
        with capture_logs() as logs, pytest.raises(errors.RequestRefused) as raised:
            await client.pipelines()
    assert raised.value.correlation_id == "abc-2"
    assert [(entry["event"], entry["status"], entry["correlation_id"]) for entry in logs] == [
        ("hubspot.call_failed", 400, "abc-2")
    ]
    assert "canary" not in f"{logs}{raised.value}{raised.value!r}"


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would see the token in the clear, and could not reach our loopback anyway."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with answering(Reply(200, b'{"results": []}')) as (client, server):
        await client.pipelines()
    assert len(server.requests) == 1


async def test_the_token_is_sent_and_shown_nowhere() -> None:
    async with answering(Reply(200, b'{"results": []}')) as (client, server):
        await client.pipelines()
        assert "canary" not in repr(client)
    assert f"authorization: Bearer {TOKEN.get_secret_value()}".lower() in server.requests[0].lower()


@pytest.mark.parametrize(
    "url", ["https://api.hubapi.com", "http://127.0.0.1:9410", "http://[::1]:9410", "http://localhost"]
)
def test_a_token_goes_over_tls_or_stays_on_this_machine(url: str) -> None:
    assert transport.checked_base_url(url) == httpx.URL(url)


@pytest.mark.parametrize(
    "url",
    ["http://api.hubapi.com", "http://10.0.0.1", "ftp://127.0.0.1", "api.hubapi.com", "https://", "https://me:pw@host",
     "https://host/?x=1", "http://127.0.0.1.evil.example", "https://host:port", ""],
)  # fmt: skip
def test_everywhere_else_it_is_refused(url: str) -> None:
    """The message names the setting and repeats no password."""
    with pytest.raises(ConfigurationError, match="HUBSPOT_BASE_URL") as raised:
        HubSpot(url, lambda: TOKEN, LocalBudget())
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "tökén"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="HUBSPOT_TOKEN") as raised:
        HubSpot("https://api.hubapi.com", lambda: SecretStr(token), LocalBudget())
    assert not token.strip() or token not in str(raised.value)
