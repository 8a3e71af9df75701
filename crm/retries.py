"""Which failed calls are made again, and when. Reference: HubSpot's error handling page, and its own clients' waits."""

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

# Few: whoever called has a retry of its own, with minutes between.
ATTEMPTS = 3
# Longer than this HubSpot's Retry-After is not waited for here: the caller can do something else meanwhile.
LONGEST_WAIT_SECONDS = 10.0
# What HubSpot's own client waits: after the ten-secondly limit, after "your secondly limit", after 423.
TEN_SECONDLY_SECONDS = 10.0
RATE_LIMIT_SECONDS = 1.0
LOCKED_SECONDS = 2.0
# 502, 503, 504 and the 52x of what stands before HubSpot: "pause for a few seconds".
OVERLOADED = frozenset({502, 503, 504, 521, 522, 523, 524})
OVERLOADED_SECONDS = 2.0
MOVING = 477
# Many calls that failed together must not come back together.
JITTER = 0.25


@dataclass(slots=True)
class ReadRetryPolicy:
    """For one read, which may be made again: whether to, a number says after how many seconds. For stamina's `on`."""

    failures: int = 0
    bad_responses: int = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        self.bad_responses += isinstance(error, BadResponse)
        if self.bad_responses > 1:
            return False
        return _spread(wait_before_read(error, self.failures))


@dataclass(slots=True)
class WriteRetryPolicy:
    """For one write: it is made again only where HubSpot cannot have done it already."""

    failures: int = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        return _spread(wait_before_read(error, self.failures)) if _surely_not_done(error) else False


def wait_before_read(error: Exception, failures: int) -> bool | float:
    """After so many failures of the same read: False for never, True for soon, else the seconds to wait."""
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
    # A move to another data centre takes hours; without a time to come back there is nothing to wait for.
    return error.status != MOVING


def may_have_succeeded(error: TransientCrmError) -> bool:
    """Whether HubSpot may have carried out the write that ended so: only reading tells."""
    return not _surely_not_done(error)


def _surely_not_done(error: Exception) -> bool:
    """A refusal for its time, or no connection at all; after a cut connection or a 5xx nobody knows."""
    refused_early = isinstance(error, ServerError) and error.status == 503 and error.retry_after is not None
    return isinstance(error, RateLimited | Locked | NotConnected) or refused_early


def _spread(wait: bool | float) -> bool | float:
    if isinstance(wait, bool):
        return wait
    return wait * random.uniform(1, 1 + JITTER)  # noqa: S311 - spreading load, not keeping a secret
