"""What HubSpot tells about the token and about the account's calls of today."""

from crm import paths, responses
from crm.errors import RecordNotFound, RequestRefused
from crm.transport import Transport


async def token_scopes(transport: Transport) -> frozenset[str] | None:
    """Documented for private apps, and answered for service keys; whatever else refuses leaves the scopes unknown."""
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
