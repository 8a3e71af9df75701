"""How much HubSpot allows, and how much of it is ours. Source: HubSpot's API usage guidelines."""

from collections.abc import Mapping
from dataclasses import dataclass

# Until an answer's headers tell: what the smallest account has.
SMALLEST_BURST, BURST_SECONDS = 100, 10.0
# The rest is for calls that HubSpot counts later than we do, and for scripts that use the same key.
BURST_SHARE = 0.9
# Of HubSpot's five searches a second for the whole account: one is left to the account's other apps.
SEARCHES_PER_SECOND = 4
# Below this part of the account's calls of a day we stop: the rest is for its other apps and for people.
DAILY_RESERVE = 0.05
LARGEST_LIMIT, LONGEST_INTERVAL_MS = 100_000, 60_000
LARGEST_DAILY = 100_000_000


@dataclass(frozen=True, slots=True)
class Burst:
    """`limit` calls, our share already, in any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Daily:
    """Of the whole account, all apps together."""

    limit: int
    remaining: int


def own_share(limit: int) -> int:
    """What we take of HubSpot's limit of calls in ten seconds.

    >>> own_share(190)
    171
    """
    return max(1, int(limit * BURST_SHARE))


def burst_of(headers: Mapping[str, str]) -> Burst | None:
    """Searches carry no such headers; what makes no sense is not believed."""
    limit = _number(headers.get("x-hubspot-ratelimit-max"), LARGEST_LIMIT)
    interval_ms = _number(headers.get("x-hubspot-ratelimit-interval-milliseconds"), LONGEST_INTERVAL_MS)
    return Burst(own_share(limit), interval_ms / 1000) if limit and interval_ms else None


def daily_of(headers: Mapping[str, str]) -> Daily | None:
    """Of today's calls; not there for OAuth apps."""
    limit = _number(headers.get("x-hubspot-ratelimit-daily"), LARGEST_DAILY)
    remaining = _number(headers.get("x-hubspot-ratelimit-daily-remaining"), LARGEST_DAILY)
    return Daily(limit, remaining) if limit and remaining is not None else None


def _number(text: str | None, most: int) -> int | None:
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1
    return number if 0 <= number <= most else None
