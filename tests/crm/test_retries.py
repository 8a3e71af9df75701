"""Which calls are made again and when; a write never, once it may have been done."""

from collections.abc import Iterator

import pytest
import stamina
from structlog.testing import capture_logs

from crm import errors, retries
from crm.budget import Policy
from crm.client import HubSpot
from crm.properties import WRITTEN_PROPERTIES
from tests.crm.answering import TOKEN, CountingBudget, Reply, answering, served

BURST = b'{"message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}'
SEARCH = b'{"message":"You have reached your secondly limit.","category":"RATE_LIMITS"}'
DAILY = b'{"message":"You have reached your daily limit.","policyName":"DAILY"}'
EMPTY = Reply(200, b'{"results": []}')
CREATED = Reply(201, b'{"name": "dealqueue_score"}')


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
        (errors.NotFound("", status=404), 1, False),
        (errors.Refused("", status=400), 1, False),
        (ValueError("ours"), 1, False),
    ],
)
def test_the_wait_before_the_next_try_is_the_one_hubspot_asks_for(
    error: Exception, failures: int, expected: bool | float
) -> None:
    """Ten seconds and more for the ten-secondly limit; never for what will not pass by itself."""
    assert retries.wait_before_read(error, failures) is expected or (
        retries.wait_before_read(error, failures) == expected and not isinstance(expected, bool)
    )


def test_calls_that_failed_together_do_not_come_back_together() -> None:
    """Each waits at least what HubSpot asks for, and a little more of its own."""
    waits = {retries.ReadPatience()(errors.Locked("", status=423)) for _ in range(20)}
    assert len(waits) > 10
    assert all(retries.LOCKED_SECONDS <= wait <= retries.LOCKED_SECONDS * (1 + retries.JITTER) for wait in waits)


def test_an_answer_that_is_none_is_asked_for_once_more_only() -> None:
    patience = retries.ReadPatience()
    outcomes = [patience(error) for error in (errors.BadAnswer(""), errors.TimedOut(""), errors.BadAnswer(""))]
    assert outcomes == [True, True, False]


@pytest.mark.parametrize(
    ("replies", "calls"),
    [
        ([Reply(429, BURST), CREATED], 2),
        ([Reply(423), CREATED], 2),
        ([Reply(503, b"", {"Retry-After": "1"}), CREATED], 2),
        ([Reply(503)], 1),
        ([Reply(500)], 1),
        ([Reply(502)], 1),
        ([Reply(201, b"{", cut=True)], 1),
        ([Reply(201, b"<html>")], 1),
        ([Reply(429, DAILY)], 1),
        ([Reply(400)], 1),
    ],
)
async def test_a_write_is_sent_again_only_where_it_cannot_have_been_done(replies: list[Reply], calls: int) -> None:
    """After a cut answer or a gateway's error nobody knows, and HubSpot has no keys that make a second one harmless."""
    async with answering(*replies) as (client, server):
        if replies[-1] is CREATED:
            assert (await client.create_property("0-3", WRITTEN_PROPERTIES[0])).name == "dealqueue_score"
        else:
            with pytest.raises(errors.CrmError):
                await client.create_property("0-3", WRITTEN_PROPERTIES[0])
    assert len(server.requests) == calls


async def test_where_nobody_listens_nothing_was_sent() -> None:
    """So a write may be tried again, too."""
    budget = CountingBudget()
    async with HubSpot("http://127.0.0.1:1", lambda: TOKEN, budget) as client:
        with pytest.raises(errors.NotConnected):
            await client.create_property("0-3", WRITTEN_PROPERTIES[0])
    assert budget.asked == [Policy.BURST] * retries.ATTEMPTS


async def test_the_budget_hears_of_every_refusal() -> None:
    """With what HubSpot said, and of which limit; not of other errors."""
    budget = CountingBudget()
    async with (
        served(Reply(429, BURST), Reply(502), EMPTY, Reply(429, DAILY)) as (url, _),
        HubSpot(url, lambda: TOKEN, budget) as client,
    ):
        await client.pipelines()
        with pytest.raises(errors.DailyLimitReached):
            await client.pipelines()
    assert [(policy, type(error)) for policy, error in budget.refusals] == [
        (Policy.BURST, errors.RateLimited),
        (Policy.BURST, errors.DailyLimitReached),
    ]


async def test_a_long_pause_is_told_in_the_message() -> None:
    """HubSpot moves an account to another data centre for up to a day."""
    async with answering(Reply(477, b"", {"Retry-After": "7200"})) as (client, server):
        with pytest.raises(errors.ServerError, match="come back in 7200 s"):
            await client.pipelines()
    assert len(server.requests) == 1
