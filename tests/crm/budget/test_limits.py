"""The limits that HubSpot's headers report, and our share of them."""

import pytest

from crm.budget.limits import Burst, Daily, burst_of, daily_of, own_share

MAX, INTERVAL = "x-hubspot-ratelimit-max", "x-hubspot-ratelimit-interval-milliseconds"
DAILY, REMAINING = "x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining"


@pytest.mark.parametrize(("limit", "share"), [(190, 171), (100, 90), (9, 8), (1, 1), (0, 1)])
def test_our_share_is_nine_tenths_and_at_least_one_call(limit: int, share: int) -> None:
    assert own_share(limit) == share


def test_the_limits_are_read_from_the_headers() -> None:
    """The burst limit is our share already; the daily one is that of the whole account, and may be used up."""
    assert burst_of({MAX: "190", INTERVAL: "10000"}) == Burst(171, 10.0)
    assert daily_of({DAILY: "650000", REMAINING: "0"}) == Daily(650_000, 0)


@pytest.mark.parametrize("value", [None, "", "0", "-5", "many", "1e9", "9" * 30, "²", "100000001"])
def test_a_missing_or_impossible_limit_is_ignored(value: str | None) -> None:
    """A limit that was learned before stays."""
    given = {} if value is None else {MAX: value, DAILY: value}
    assert burst_of({INTERVAL: "10000", **given}) is None
    assert daily_of({REMAINING: "10", **given}) is None
