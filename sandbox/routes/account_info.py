"""The account itself: its details, its API usage of the day, and the scopes of its token."""

import hmac
from datetime import UTC, timedelta

from starlette.responses import Response

from core.clock import Clock
from core.days import time_zone
from sandbox.account.timestamps import iso, milliseconds, start_of_day
from sandbox.config import SCOPES, Config
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.errors import PORTAL_ID
from sandbox.http.rate_limits import RateLimits
from sandbox.http.responses import json_response

USER_ID, APP_ID = 3_441_220, 2_118_846


class AccountInfoRoutes:
    def __init__(self, config: Config, limits: RateLimits, clock: Clock) -> None:
        self._config = config
        self._limits = limits
        self._clock = clock

    def details(self, _: Call) -> Response:
        """developers.hubspot.com, "Account information". The offset of a time zone that is unknown is that of UTC."""
        now = self._clock.now().astimezone(time_zone(self._config.time_zone or "") or UTC)
        offset = now.utcoffset() or timedelta(0)
        return json_response(
            {
                "portalId": PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": self._config.time_zone,
                "companyCurrency": "USD",
                "additionalCurrencies": ["EUR", "GBP", "SEK"],
                "utcOffset": now.isoformat()[-6:],
                "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "eu1",
            }
        )

    def daily_usage(self, _: Call) -> Response:
        """developers.hubspot.com, "Retrieve private app daily API usage". This request counts too."""
        now = self._clock.now()
        usage = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self._config.daily,
            "currentUsage": self._limits.used_today,
            "collectedAt": iso(milliseconds(now)),
            "fetchStatus": "SUCCESS",
            "resetsAt": iso(milliseconds(start_of_day(now) + timedelta(days=1))),
        }
        return json_response({"results": [usage]})

    def token_info(self, call: Call) -> Response:
        """{"tokenKey": ...}; developers.hubspot.com, guide "Private apps". 401 for an unaccepted token."""
        key = call.json().get("tokenKey")
        if not isinstance(key, str):
            raise errors.missing_field("tokenKey")
        if self._config.token_revoked or not hmac.compare_digest(key.encode(), self._config.token.encode()):
            raise errors.unauthenticated()
        scopes = sorted(SCOPES - set(self._config.missing_scopes))
        return json_response({"userId": USER_ID, "hubId": PORTAL_ID, "appId": APP_ID, "scopes": scopes})
