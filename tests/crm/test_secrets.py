"""The token is in no log, no error, no repr and no metric, whatever fails and whatever HubSpot repeats."""

import gzip
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest
import stamina
import structlog
from prometheus_client import generate_latest
from pydantic import SecretStr

from core.database import Database
from core.errors import ConfigurationError, DealQueueError
from core.settings import Settings
from crm import transport
from crm.budget.local import LocalBudget
from crm.budget.protocol import Policy
from crm.budget.shared import SharedBudget
from crm.client import HubSpot
from crm.errors import CrmError, RateLimited, Unauthorized
from crm.properties import WRITTEN_PROPERTIES
from crm.records import parse_deal
from crm.retries import ATTEMPTS
from crm.token import HubSpotCredential, settings_token
from tests.crm.scripted_server import Reply, scripted_client

# Matches no pattern of secrets: only code that compares with the token itself can remove it.
CANARY = "c4n4ry-0f-n0-kn0wn-f0rm"
TOKEN = SecretStr(CANARY)

Call = Callable[[HubSpot], Awaitable[object]]


def error_reply(status: int, message: str, **fields: object) -> Reply:
    return Reply(status, orjson.dumps({"status": "error", "message": message, **fields}))


# What HubSpot, or a proxy in front of it, might repeat of a request.
ECHO = f"You sent Authorization: Bearer {CANARY}"
SCOPES = [{"message": ECHO, "context": {"requiredGranularScopes": [CANARY]}}]
FAULTS = [
    error_reply(400, ECHO, category=CANARY, correlationId=CANARY),
    error_reply(400, "Bad input", errors=SCOPES, context={"missingScopes": [CANARY]}),
    error_reply(401, ECHO, category="INVALID_AUTHENTICATION"),
    error_reply(403, ECHO, category="MISSING_SCOPES", errors=SCOPES),
    error_reply(404, ECHO),
    error_reply(409, ECHO),
    Reply(414, ECHO.encode()),
    error_reply(423, ECHO),
    error_reply(429, ECHO, policyName="TEN_SECONDLY_ROLLING"),
    error_reply(429, f"{ECHO}; you have reached your daily limit", policyName="DAILY"),
    Reply(477, ECHO.encode(), {"Retry-After": "7200"}),
    Reply(500, f"<html>{ECHO}</html>".encode()),
    Reply(502, gzip.compress(ECHO.encode()), {"Content-Encoding": "gzip"}),
    Reply(503, b""),
    Reply(302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}),
    Reply(200, ECHO.encode()),
    Reply(200, b"[]"),
    Reply(200, orjson.dumps({"results": ECHO, "scopes": ECHO, "portalId": [ECHO], "id": ECHO, "properties": [ECHO]})),
    Reply(200, orjson.dumps({"results": [{"id": ECHO, "label": [ECHO]}], "total": ECHO})),
    Reply(200, orjson.dumps({"results": [], "paging": {"next": {"after": ECHO}}})),
    Reply(200, b"\x1f\x8bnot gzip", {"Content-Encoding": "gzip"}),
    Reply(200, b'{"results"', cut=True),
]
CALLS: tuple[Call, ...] = (
    lambda client: client.pipelines(),
    lambda client: client.get_deal("1"),
    lambda client: client.list_deals(),
    lambda client: client.search_deals(modified_since=datetime.now(UTC), after_id=0),
    lambda client: client.token_scopes(),
    lambda client: client.account(),
    lambda client: client.create_property("0-3", WRITTEN_PROPERTIES[0]),
    lambda client: client.patch_deal("1", {"dealqueue_score": "7"}),
    lambda client: client.create_note({"properties": {}}),
    lambda client: client.create_task({"properties": {}}),
    lambda client: client.notes_of_deal("1"),
    lambda client: client.tasks_of_deal("1"),
    lambda client: client.daily_usage(),
)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Every record of every library at DEBUG, and our own events before they are redacted."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        yield lambda: f"{caplog.text}{[record.__dict__ for record in caplog.records]}{events}"


def everything_of(error: BaseException) -> str:
    """Text, repr, attributes, and the chain of causes as a traceback shows it."""
    chain = "".join(traceback.format_exception(error))
    return f"{error}{error!r}{vars(error)}{chain}"


async def shown_by(call: Call, fault: Reply) -> tuple[list[str], str]:
    """What the error, if any, and the client show; and the head of the first request."""
    shown: list[str] = []
    async with scripted_client(fault, token=lambda: TOKEN) as (client, server):
        try:
            await call(client)
        except CrmError as error:
            shown += [everything_of(error)]
        shown += [repr(client), repr(client._transport), repr(client._transport._credential)]
    return shown, "".join(server.requests[:1])


@pytest.mark.parametrize("number", range(len(CALLS)))
async def test_no_fault_of_any_call_shows_the_token(number: int, logged: Callable[[], str]) -> None:
    """The request contains it, which shows that the test works; nothing else does."""
    found: list[str] = []
    for fault in FAULTS:
        shown, sent = await shown_by(CALLS[number], fault)
        found += shown
        assert CANARY in sent
    assert len(found) > 3 * len(FAULTS)
    assert CANARY not in "".join(found)
    assert "hubspot.call_failed" in logged()
    assert CANARY not in logged()
    assert CANARY not in generate_latest().decode()


@pytest.mark.parametrize(("limit", "value"), [("CALL_SECONDS", 0.1), ("TIMEOUTS", httpx.Timeout(10, read=0.1))])
@pytest.mark.parametrize("number", range(len(CALLS)))
async def test_a_call_that_times_out_shows_no_token(
    number: int, limit: str, value: object, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our own limit or by httpx's; they are short in this test only, so that a slow machine fails no other."""
    monkeypatch.setattr(transport, limit, value)
    shown, _ = await shown_by(CALLS[number], Reply(silent=True))
    assert "TimedOut" in shown[0]
    assert CANARY not in "".join(shown) + logged()


class Garbled(Reply):
    """A response head that cannot be parsed; httpx's error quotes from it."""

    def encoded(self) -> bytes:
        return f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode()


@pytest.mark.parametrize("number", range(len(CALLS)))
async def test_a_response_head_that_cannot_be_parsed_shows_no_token(
    number: int, logged: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """httpx's own DEBUG lines show the response; the product logs none of other libraries (core/logs.py)."""
    caplog.set_level(logging.INFO)
    shown, _ = await shown_by(CALLS[number], Garbled())
    assert "illegal header line" in shown[0]
    assert CANARY not in "".join(shown) + logged()


async def test_an_unreachable_hubspot_shows_no_token(logged: Callable[[], str]) -> None:
    async with HubSpot("http://127.0.0.1:1", lambda: TOKEN, LocalBudget()) as client:
        with pytest.raises(CrmError) as raised:
            await client.token_scopes()
    assert CANARY not in everything_of(raised.value) + logged()


async def test_a_refused_token_is_not_shown() -> None:
    """Neither by HubSpot's error nor by its repetition without a call."""
    async with scripted_client(FAULTS[2], token=lambda: TOKEN) as (client, server):
        for _ in range(2):
            with structlog.testing.capture_logs(), pytest.raises(Unauthorized) as raised:
                await client.pipelines()
            assert CANARY not in everything_of(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("broken", [f"{CANARY} two", f"{CANARY}\nX-Evil: 1", f"{CANARY}ö"])
def test_a_token_that_cannot_be_sent_is_not_shown(broken: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        HubSpot("https://api.hubapi.com", lambda: SecretStr(broken), LocalBudget())
    assert CANARY not in everything_of(raised.value)


def test_settings_and_the_credential_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as text, not as JSON, not in the error about another wrong setting."""
    monkeypatch.setenv("HUBSPOT_TOKEN", CANARY)
    settings = Settings.load()
    source = settings_token(settings)
    shown = f"{settings}{settings!r}{settings.model_dump_json()}{source!r}{source()!r}"
    shown += repr(HubSpotCredential(source, _StillClock()))
    monkeypatch.setenv("PORT", CANARY)
    with pytest.raises(DealQueueError) as raised:
        Settings.load()
    assert CANARY not in shown + everything_of(raised.value)


async def test_the_budget_stores_nothing_of_it(database: Database, logged: Callable[[], str]) -> None:
    """Its row is visible to people."""
    budget = SharedBudget(database)
    async with scripted_client(FAULTS[8], token=lambda: TOKEN) as (client, _):
        with pytest.raises(RateLimited) as raised:
            await client.pipelines()
    await budget.acquire(Policy.BURST)
    await budget.rate_limited(Policy.BURST, raised.value)
    assert CANARY not in f"{budget!r}{logged()}"


async def test_the_error_of_a_refused_record_does_not_show_it() -> None:
    """A person may have pasted it into a deal: the error quotes long values only in part."""
    with pytest.raises(CrmError) as raised:
        parse_deal({"id": "7", "properties": {"amount": f"{'x' * 80}{CANARY}"}})
    assert CANARY not in everything_of(raised.value)


class _StillClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0
