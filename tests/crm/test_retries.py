"""Which calls are retried and when; a write never, once HubSpot may have carried it out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping

import httpx
import pytest
import stamina
from structlog.testing import capture_logs

from crm import errors, retries, transport
from crm.budget.protocol import Policy
from crm.client import HubSpot
from crm.properties import WRITTEN_PROPERTIES
from tests.crm.scripted_server import TOKEN, RecordingBudget, Reply, scripted_client, scripted_server

BURST = b'{"message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}'
SEARCH = b'{"message":"You have reached your secondly limit.","category":"RATE_LIMITS"}'
DAILY = b'{"message":"You have reached your daily limit.","policyName":"DAILY"}'
EMPTY = Reply(200, b'{"results": []}')
CREATED = Reply(201, b'{"name": "dealqueue_score", "id": "7"}')
Call = Callable[[HubSpot], Awaitable[object]]
WRITES: Mapping[str, Call] = {
    "create_property": lambda client: client.create_property("0-3", WRITTEN_PROPERTIES[0]),
    "patch_deal": lambda client: client.patch_deal("7", {"dealqueue_score": "80"}),
    "create_note": lambda client: client.create_note({"properties": {}}),
    "create_task": lambda client: client.create_task({"properties": {}}),
}
LOOKS: Mapping[str, Call] = {
    "notes_of_deal": lambda client: client.notes_of_deal("7"),
    "tasks_of_deal": lambda client: client.tasks_of_deal("7"),
}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=retries.ATTEMPTS), capture_logs():
        yield


@pytest.mark.parametrize(
    ("error", "failures", "expected"),
    [
        (errors.RateLimited("", status=429, category="TEN_SECONDLY_ROLLING"), 1, 10.0),
        (errors.RateLimited("", status=429, category="TEN_SECONDLY_ROLLING"), 2, 20.0),
        (errors.RateLimited("You have reached your ten_secondly_rolling limit.", category="RATE_LIMITS"), 1, 10.0),
        (errors.RateLimited("You have reached your secondly limit.", category="RATE_LIMITS"), 2, 1.0),
        (errors.RateLimited("", status=429, retry_after=3.0), 1, 3.0),
        (errors.RateLimited("", status=429, retry_after=60.0), 1, False),
        (errors.DailyLimitReached("", status=429, category="DAILY"), 1, False),
        (errors.DailyLimitReached("", status=429, retry_after=1.0), 1, False),
        (errors.Locked("", status=423), 1, 2.0),
        (errors.ServerError("", status=477, retry_after=5.0), 1, 5.0),
        (errors.ServerError("", status=477, retry_after=7200.0), 1, False),
        (errors.ServerError("", status=477), 1, False),
        (errors.ServerError("", status=500), 1, True),
        (errors.ServerError("", status=524), 2, 4.0),
        (errors.TimedOut(""), 1, True),
        (errors.ConnectionFailed(""), 1, True),
        (errors.BudgetUnavailable(""), 1, False),
        (errors.Unauthorized("", status=401), 1, False),
        (errors.MissingScopes(""), 1, False),
        (errors.RecordNotFound("", status=404), 1, False),
        (errors.RequestRefused("", status=400), 1, False),
        (ValueError("ours"), 1, False),
    ],
)
def test_the_wait_before_a_retry_is_the_one_hubspot_demands(
    error: Exception, failures: int, expected: bool | float
) -> None:
    """Ten seconds and more for the ten-secondly limit; no retry for a permanent error."""
    assert retries.wait_before_read(error, failures) is expected or (
        retries.wait_before_read(error, failures) == expected and not isinstance(expected, bool)
    )


def test_calls_that_failed_together_are_not_retried_together() -> None:
    """Each waits at least as long as HubSpot demands, plus a random time."""
    waits = {retries.ReadRetryPolicy()(errors.Locked("", status=423)) for _ in range(20)}
    assert len(waits) > 10
    assert all(retries.LOCKED_SECONDS <= wait <= retries.LOCKED_SECONDS * (1 + retries.JITTER) for wait in waits)


def test_a_bad_response_is_retried_only_once() -> None:
    policy = retries.ReadRetryPolicy()
    outcomes = [policy(error) for error in (errors.BadResponse(""), errors.TimedOut(""), errors.BadResponse(""))]
    assert outcomes == [True, True, False]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "refusal",
    [
        Reply(429, BURST),
        Reply(429, SEARCH),
        Reply(423),
        Reply(503, b"", {"Retry-After": "1"}),
    ],
)
async def test_a_write_that_was_not_executed_is_retried(refusal: Reply, write: str) -> None:
    """With the same body; the caller gets the response of the retry."""
    async with scripted_client(refusal, CREATED) as (client, server):
        await WRITES[write](client)
    assert len(server.requests) == 2
    assert server.bodies[0] == server.bodies[1] != ""


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Reply(500), errors.ServerError),
        (Reply(502), errors.ServerError),
        (Reply(503), errors.ServerError),
        (Reply(504), errors.ServerError),
        (Reply(524), errors.ServerError),
        (Reply(408), errors.ServerError),
        (Reply(201, b"{", cut=True), errors.ConnectionFailed),
        (Reply(silent=True), errors.TimedOut),
        (Reply(201, b"<html>"), errors.BadResponse),
        (Reply(201, b"[]"), errors.BadResponse),
        (Reply(429, DAILY), errors.DailyLimitReached),
        (Reply(477, b"", {"Retry-After": "7200"}), errors.ServerError),
        (Reply(400), errors.RequestRefused),
        (Reply(409), errors.RequestRefused),
    ],
)
async def test_a_write_with_an_unknown_outcome_is_not_retried(
    outcome: Reply, error: type[errors.CrmError], write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot has no idempotency keys; and a refused write would be refused again."""
    if outcome.silent:
        monkeypatch.setattr(transport, "TIMEOUTS", httpx.Timeout(10, read=0.05))
    async with scripted_client(outcome, CREATED) as (client, server):
        with pytest.raises(error) as raised:
            await WRITES[write](client)
    assert type(raised.value) is error
    assert len(server.requests) == 1


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("fault", [Reply(500), Reply(502), Reply(200, b"{", cut=True), Reply(423)])
async def test_the_read_after_an_unknown_outcome_is_retried(fault: Reply, look: str) -> None:
    """This read finds out whether HubSpot has carried out the write."""
    async with scripted_client(fault, EMPTY) as (client, server):
        assert await LOOKS[look](client) == []
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.ServerError("", status=500), True),
        (errors.ServerError("", status=502), True),
        (errors.ServerError("", status=503), True),
        (errors.ServerError("", status=503, retry_after=1.0), False),
        (errors.TimedOut(""), True),
        (errors.ConnectionFailed(""), True),
        (errors.NotConnected(""), False),
        (errors.BadResponse(""), True),
        (errors.RateLimited("", status=429), False),
        (errors.DailyLimitReached("", status=429), False),
        (errors.Locked("", status=423), False),
    ],
)
def test_a_write_may_have_succeeded_only_after_some_errors(error: errors.TransientCrmError, expected: bool) -> None:
    """The stages look for their note or task only then."""
    assert retries.may_have_succeeded(error) is expected


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_without_a_connection_is_retried(write: str) -> None:
    """Nothing was sent, so HubSpot cannot have carried it out."""
    budget = RecordingBudget()
    async with HubSpot("http://127.0.0.1:1", lambda: TOKEN, budget) as client:
        with pytest.raises(errors.NotConnected):
            await WRITES[write](client)
    assert budget.requested == [Policy.BURST] * retries.ATTEMPTS


async def test_every_429_is_reported_to_the_budget() -> None:
    """With HubSpot's error and the limit that it concerns; other errors are not."""
    budget = RecordingBudget()
    async with (
        scripted_server(Reply(429, BURST), Reply(502), EMPTY, Reply(429, DAILY)) as (url, _),
        HubSpot(url, lambda: TOKEN, budget) as client,
    ):
        await client.pipelines()
        with pytest.raises(errors.DailyLimitReached):
            await client.pipelines()
    assert [(policy, type(error)) for policy, error in budget.refusals] == [
        (Policy.BURST, errors.RateLimited),
        (Policy.BURST, errors.DailyLimitReached),
    ]


async def test_a_long_retry_after_is_in_the_message() -> None:
    """Moving an account to another data centre takes HubSpot up to a day."""
    async with scripted_client(Reply(477, b"", {"Retry-After": "7200"})) as (client, server):
        with pytest.raises(errors.ServerError, match="retry after 7200 s"):
            await client.pipelines()
    assert len(server.requests) == 1
