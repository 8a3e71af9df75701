"""What HubSpot reports about the token and about the account's daily calls."""

from crm import paths, responses
from crm.errors import RecordNotFound, RequestRefused
from crm.transport import Transport


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
