"""Faults that replace the response with an error, word for word where HubSpot's words are known."""

from typing import Any

import httpx
import pytest

DEALS = "/crm/objects/2026-09/0-3"


def add_fault(api: httpx.Client, kind: str, **options: Any) -> None:
    assert api.post("/_sim/fault", json={"kind": kind, **options}).status_code == 201


# Each body without its correlation id. Sources: HubSpot's usage guidelines (burst and daily limit), recorded traffic
# (401, 404, search limit), PostHog/posthog #64985 (477), HubSpot/hubspot-api-nodejs #268 (403). The texts of 423, 500,
# 503 and of the refusing rule are ours.
GOLDEN: dict[str, tuple[int, dict[str, Any]]] = {
    "unauthorized": (
        401,
        {
            "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
            "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            "category": "INVALID_AUTHENTICATION",
        },
    ),
    "missing_scope": (
        403,
        {
            "message": "This app hasn't been granted all required scopes to make this call. Read more about required "
            "scopes here: https://developers.hubspot.com/scopes.",
            "errors": [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": ["crm.objects.deals.read"]},
                }
            ],
            "links": {"scopes": "https://developers.hubspot.com/scopes"},
            "category": "MISSING_SCOPES",
        },
    ),
    "not_found": (404, {"message": "resource not found", "category": "OBJECT_NOT_FOUND"}),
    "locked": (
        423,
        {"message": "The record is locked because many requests are changing it. Wait at least 2 seconds."},
    ),
    "burst_limit": (
        429,
        {
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
        },
    ),
    "daily_limit": (
        429,
        {"message": "You have reached your daily limit.", "errorType": "RATE_LIMIT", "policyName": "DAILY"},
    ),
    "search_limit": (429, {"message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}),
    "moved": (477, {"message": "Migration in progress and the portal is not available for access."}),
    "server_error": (500, {"message": "internal error"}),
    "unavailable": (503, {"message": "Service is temporarily unavailable"}),
    "validation_refused": (
        400,
        {
            "message": "closed_lost_reason is required when dealstage is closedlost.",
            "errors": [
                {
                    "message": "closed_lost_reason is required when dealstage is closedlost.",
                    "code": "CONDITIONAL_REQUIRED_PROPERTY_MISSING",
                    "context": {"propertyName": ["closed_lost_reason"]},
                }
            ],
            "category": "VALIDATION_ERROR",
        },
    ),
}
PAGES = {
    "uri_too_long": 414,
    "bad_gateway_html": 502,
    "gateway_timeout": 504,
    "web_server_down": 521,
    "timeout_524": 524,
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_an_error_has_hubspots_exact_body(own_api: httpx.Client, kind: str) -> None:
    """Status and whole body; the request was not carried out, and the next one succeeds."""
    add_fault(own_api, kind, method="GET")
    status, expected = GOLDEN[kind]
    answer = own_api.get(DEALS)
    body = answer.json()
    assert answer.status_code == status
    assert body.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
    body.pop("requestId", None)
    assert body == {"status": "error", **expected}
    assert [fault["applied"] for fault in own_api.get("/_sim/fault").json()["faults"]] == [1]
    assert own_api.get(DEALS).status_code == 200


@pytest.mark.parametrize("kind", PAGES)
def test_an_error_of_a_proxy_is_html(own_api: httpx.Client, kind: str) -> None:
    """Proxies in front of HubSpot send it: a client that expects JSON must not crash."""
    add_fault(own_api, kind)
    answer = own_api.get(DEALS)
    assert answer.status_code == PAGES[kind]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<html>")


def test_a_bad_gateway_has_the_whole_page_of_the_proxy(own_api: httpx.Client) -> None:
    """Without any JSON. HubSpot documents the status; the page is nginx's usual one (ours)."""
    add_fault(own_api, "bad_gateway_html")
    assert own_api.get(DEALS).text == (
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
    )


def test_only_a_migration_has_retry_after_by_default(own_api: httpx.Client) -> None:
    """Retry-After is documented for 477; every other error has it only when the test sets it."""
    add_fault(own_api, "moved")
    add_fault(own_api, "moved", retry_after=86_400)
    add_fault(own_api, "locked")
    add_fault(own_api, "unavailable", retry_after=5)
    answers = [own_api.get(DEALS) for _ in range(4)]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["120", "86400", None, "5"]
