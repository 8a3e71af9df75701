"""The account itself: its details, its API usage of the day, and the scopes of its token."""

import httpx
import pytest

from sandbox import SANDBOX_TOKEN
from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"
USAGE = "/account-info/2026-09/api-usage/daily/private-apps"


@pytest.mark.parametrize("path", ["/account-info/2026-09/details", "/account-info/v3/details"])
def test_the_account_details_have_every_field_of_hubspots(api: httpx.Client, path: str) -> None:
    """Every field of HubSpot's answer is there."""
    assert api.get(path).json().keys() == {
        "portalId", "accountType", "timeZone", "companyCurrency", "additionalCurrencies", "utcOffset",
        "utcOffsetMilliseconds", "uiDomain", "dataHostingLocation",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "offset", "ms"),
    [
        ("Asia/Kolkata", "+05:30", 19_800_000),
        ("US/Arizona", "-07:00", -25_200_000),
        ("Nowhere Standard Time", "+00:00", 0),
        (None, "+00:00", 0),
    ],
)
def test_the_account_can_be_in_any_time_zone(own_api: httpx.Client, zone: str | None, offset: str, ms: int) -> None:
    """Also in one that no program knows, and in none."""
    own_api.post("/_sim/config", json={"time_zone": zone}).raise_for_status()
    details = own_api.get("/account-info/2026-09/details").json()
    assert (details["timeZone"], details["utcOffset"], details["utcOffsetMilliseconds"]) == (zone, offset, ms)


def test_the_scopes_of_a_token_can_be_read(own_api: httpx.Client) -> None:
    """HubSpot's introspection of private-app tokens: the token is in the body."""
    own_api.post("/_sim/config", json={"missing_scopes": ["crm.objects.deals.write"]}).raise_for_status()
    info = own_api.post(TOKEN_INFO, json={"tokenKey": SANDBOX_TOKEN}, headers={"Authorization": ""}).json()
    assert info.keys() == {"userId", "hubId", "appId", "scopes"}
    assert "crm.objects.deals.read" in info["scopes"]
    assert "crm.objects.deals.write" not in info["scopes"]
    assert own_api.post(TOKEN_INFO, json={"tokenKey": "pat-other"}).status_code == 401
    assert own_api.post(TOKEN_INFO, json={}).status_code == 400


def test_the_daily_usage_is_reported(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """HubSpot's format: limit, usage so far, and the time of the reset."""
    fresh_sandbox.clock.freeze()
    fresh_api.post("/_sim/config", json={"daily": 1000}).raise_for_status()
    for _ in range(4):
        fresh_api.get(DEALS)
    (usage,) = fresh_api.get(USAGE).json()["results"]
    now = fresh_api.get("/_sim/clock").json()["now"]
    assert usage.pop("resetsAt") > now
    assert usage == {
        "name": "private-apps-api-calls-daily",
        "usageLimit": 1000,
        "currentUsage": 5,
        "collectedAt": now,
        "fetchStatus": "SUCCESS",
    }
    assert fresh_api.get(USAGE.replace("2026-09", "v3")).status_code == 200
