"""What HubSpot tells about the token and about the account's calls of today."""

from crm import answers, paths
from crm.errors import NotFound, Refused
from crm.wire import Wire


async def token_scopes(wire: Wire) -> frozenset[str] | None:
    """Documented for private apps, and answered for service keys; whatever else refuses leaves the scopes unknown."""
    try:
        answer = await wire.post_token(paths.TOKEN_INFO, "tokenKey")
    except (NotFound, Refused):
        return None
    return frozenset(answers.read(answers.TokenInfo, answer.body).scopes)


async def daily_usage(wire: Wire) -> answers.DailyUsage | None:
    try:
        answer = await wire.get(paths.DAILY_USAGE)
    except (NotFound, Refused):
        return None
    results = answers.read(answers.DailyUsages, answer.body).results
    return results[0] if results else None
