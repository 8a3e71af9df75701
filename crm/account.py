"""What HubSpot reports about the token, the account's time zone and its daily calls."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from core.days import time_zone
from crm import paths, responses
from crm.errors import MissingScopes, RecordNotFound, RequestRefused
from crm.transport import Transport

UTC_INSTEAD = "The account's days are counted in UTC."


@dataclass(frozen=True, slots=True)
class AccountZone:
    """`problem`, a sentence, says why days are counted in UTC; None when `zone` is the account's own."""

    zone: tzinfo
    problem: str | None = None


def zone_named(name: str | None) -> AccountZone:
    """The zone that HubSpot reports, or UTC when it reports none or one that is unknown here."""
    if not name:
        return AccountZone(UTC, f"HubSpot reports no time zone. {UTC_INSTEAD}")
    if zone := time_zone(name):
        return AccountZone(zone)
    return AccountZone(UTC, f"The account's time zone {name[:60]!r} is unknown here. {UTC_INSTEAD}")


async def account_zone(transport: Transport) -> AccountZone:
    """UTC when HubSpot refuses: no deal waits for it."""
    try:
        response = await transport.get(paths.ACCOUNT)
    except (MissingScopes, RecordNotFound, RequestRefused) as error:
        return AccountZone(UTC, f"The account's time zone cannot be read: {error} {UTC_INSTEAD}")
    return zone_named(responses.read(responses.TimeZone, response.body).time_zone)


async def token_scopes(transport: Transport) -> frozenset[str] | None:
    """None when HubSpot refuses: the path is documented for private apps only, and works for service keys too."""
    try:
        response = await transport.post_token(paths.TOKEN_INFO, "tokenKey")
    except (RecordNotFound, RequestRefused):
        return None
    return frozenset(responses.read(responses.TokenInfo, response.body).scopes)


async def daily_usage(transport: Transport) -> responses.DailyUsage | None:
    try:
        response = await transport.get(paths.DAILY_USAGE)
    except (RecordNotFound, RequestRefused):
        return None
    results = responses.read(responses.DailyUsages, response.body).results
    return results[0] if results else None
