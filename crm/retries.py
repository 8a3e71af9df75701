"""Which failed calls are retried, and after how long: by HubSpot's error handling page and its own clients."""

import random
from dataclasses import dataclass

from crm.errors import (
    BadResponse,
    BudgetUnavailable,
    DailyLimitReached,
    Locked,
    NotConnected,
    RateLimited,
    ServerError,
    TransientCrmError,
)

# Few: the caller (a stage, a scan) has retries of its own, minutes apart.
ATTEMPTS = 3
# A longer Retry-After is left to the caller, which can do other work meanwhile.
LONGEST_WAIT_SECONDS = 10.0
# As long as HubSpot's own client waits: after the ten-secondly limit, after "your secondly limit", after 423.
TEN_SECONDLY_SECONDS = 10.0
RATE_LIMIT_SECONDS = 1.0
LOCKED_SECONDS = 2.0
# 502, 503, 504, and the 52x of the proxy in front of HubSpot: "pause for a few seconds".
OVERLOADED = frozenset({502, 503, 504, 521, 522, 523, 524})
OVERLOADED_SECONDS = 2.0
MOVING = 477
# Calls that failed together must not be retried together.
JITTER = 0.25


@dataclass(slots=True)
class ReadRetryPolicy:
    """Decides for one read, as stamina's `on`: False for no retry, True for one soon, or the seconds to wait."""

    failures: int = 0
    bad_responses: int = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        self.bad_responses += isinstance(error, BadResponse)
        if self.bad_responses > 1:
            return False
        return _with_jitter(wait_before_read(error, self.failures))


@dataclass(slots=True)
class WriteRetryPolicy:
    """Decides for one write: it is retried only where HubSpot cannot have carried it out."""

    failures: int = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        return _with_jitter(wait_before_read(error, self.failures)) if _was_not_executed(error) else False


def wait_before_read(error: Exception, failures: int) -> bool | float:
    """After that many failures of the same read: False for no retry, True for one soon, or the seconds to wait."""
    if not isinstance(error, TransientCrmError) or isinstance(error, DailyLimitReached | BudgetUnavailable):
        return False
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT_SECONDS else False
    if isinstance(error, RateLimited):
        return TEN_SECONDLY_SECONDS * failures if error.is_burst else RATE_LIMIT_SECONDS
    if isinstance(error, Locked):
        return LOCKED_SECONDS
    if error.status in OVERLOADED:
        return OVERLOADED_SECONDS * failures
    # A move to another data centre takes hours; without Retry-After there is nothing to wait for.
    return error.status != MOVING


def may_have_succeeded(error: TransientCrmError) -> bool:
    """Whether HubSpot may have carried out the write that failed with this error; only a read can find out."""
    return not _was_not_executed(error)


def _was_not_executed(error: Exception) -> bool:
    """Refused before it was processed, or never sent; after a closed connection or a 5xx the outcome is unknown."""
    refused_early = isinstance(error, ServerError) and error.status == 503 and error.retry_after is not None
    return isinstance(error, RateLimited | Locked | NotConnected) or refused_early


def _with_jitter(wait: bool | float) -> bool | float:
    if isinstance(wait, bool):
        return wait
    return wait * random.uniform(1, 1 + JITTER)  # noqa: S311 - this spreads load and protects no secret
