"""HubSpot's rate limits (its API usage guidelines), and the part of each that we use."""

from collections.abc import Mapping
from dataclasses import dataclass

# The limit of the smallest account, used until the headers of a response report the real one.
SMALLEST_BURST, BURST_SECONDS = 100, 10.0
# The rest is left for calls that HubSpot counts later than we do, and for scripts that use the same key.
BURST_SHARE = 0.9
# Of HubSpot's five searches per second for the whole account; one is left for the account's other apps.
SEARCHES_PER_SECOND = 4
# We stop when only this part of the account's daily calls remains: it is left for other apps and for people.
DAILY_RESERVE = 0.05
LARGEST_LIMIT, LONGEST_INTERVAL_MS = 100_000, 60_000
LARGEST_DAILY = 100_000_000


@dataclass(frozen=True, slots=True)
class Burst:
    """At most `limit` calls, which is our share already, within any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Daily:
    """The calls of a day for the whole account, all apps together."""

    limit: int
    remaining: int


def own_share(limit: int) -> int:
    """Our share of HubSpot's limit of calls in ten seconds.

    >>> own_share(190)
    171
    """
    return max(1, int(limit * BURST_SHARE))


def burst_of(headers: Mapping[str, str]) -> Burst | None:
    """None where the headers are missing, as in the responses to searches, or have impossible values."""
    limit = _number(headers.get("x-hubspot-ratelimit-max"), LARGEST_LIMIT)
    interval_ms = _number(headers.get("x-hubspot-ratelimit-interval-milliseconds"), LONGEST_INTERVAL_MS)
    return Burst(own_share(limit), interval_ms / 1000) if limit and interval_ms else None


def daily_of(headers: Mapping[str, str]) -> Daily | None:
    """None where the headers are missing, as for OAuth apps, or have impossible values."""
    limit = _number(headers.get("x-hubspot-ratelimit-daily"), LARGEST_DAILY)
    remaining = _number(headers.get("x-hubspot-ratelimit-daily-remaining"), LARGEST_DAILY)
    return Daily(limit, remaining) if limit and remaining is not None else None


def _number(text: str | None, most: int) -> int | None:
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1
    return number if 0 <= number <= most else None
