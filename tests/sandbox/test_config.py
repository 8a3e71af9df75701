"""The behaviour of the account can be changed while it runs."""

import httpx
import pytest

from sandbox.testing import Running
from tests.sandbox.conftest import configure, golden

DEALS = "/crm/objects/2026-09/0-3"


def statuses(api: httpx.Client, count: int, path: str = DEALS) -> list[int]:
    return [api.get(path).status_code for _ in range(count)]


def test_changed_keys_are_shown(own_api: httpx.Client) -> None:
    """All keys except the token."""
    before = own_api.get("/_sim/config").json()
    after = configure(own_api, lag_ms=[5, 9], background_rps=1.5, retry_after=3)
    assert after == before | {"lag_ms": [5, 9], "background_rps": 1.5, "retry_after": 3}
    assert own_api.get("/_sim/config").json() == after
    assert "token" not in after


def test_the_daily_limit_is_enforced_and_ends_at_midnight(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """HubSpot's documented body (usage guidelines); searches and association batches count too."""
    fresh_sandbox.clock.freeze()
    configure(fresh_api, daily=3)
    assert statuses(fresh_api, 2) == [200, 200]
    assert fresh_api.post(f"{DEALS}/search", json={}).status_code == 200
    refused = fresh_api.get(DEALS)
    assert refused.status_code == 429
    body = golden(refused)
    assert body.pop("requestId")
    assert body == {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "DAILY",
    }
    assert refused.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    assert fresh_api.post("/crm/associations/2026-09/deals/contacts/batch/read", json={"inputs": []}).status_code == 429
    fresh_sandbox.clock.advance(86_400)
    assert fresh_api.get(DEALS).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "2"


def test_background_requests_count_against_the_burst_limit(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """Two requests a second of another program leave 80 of a hundred in any ten seconds."""
    fresh_sandbox.clock.freeze()
    configure(fresh_api, burst=100, background_rps=2)
    fresh_sandbox.clock.advance(60)
    assert statuses(fresh_api, 81) == [200] * 80 + [429]
    configure(fresh_api, background_rps=0)
    fresh_sandbox.clock.advance(10.1)
    assert statuses(fresh_api, 101) == [200] * 100 + [429]


def test_background_searches_count_against_the_search_limit(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """Four of the five searches a second are used up."""
    fresh_sandbox.clock.freeze()
    configure(fresh_api, search_per_second=5, background_search_rps=4)
    fresh_sandbox.clock.advance(30)
    assert [fresh_api.post(f"{DEALS}/search", json={}).status_code for _ in range(2)] == [200, 429]


def test_a_rate_limit_error_can_have_retry_after(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """HubSpot does not promise it, but a client must honour it."""
    fresh_sandbox.clock.freeze()
    configure(fresh_api, burst=1, search_per_second=1, retry_after=11)
    assert statuses(fresh_api, 1) == [200]
    assert fresh_api.get(DEALS).headers["Retry-After"] == "11"
    searches = [fresh_api.post(f"{DEALS}/search", json={}) for _ in range(2)]
    assert [answer.headers.get("Retry-After") for answer in searches] == [None, "11"]


def test_the_offset_cap_can_be_lowered(own_api: httpx.Client) -> None:
    """So that a test does not need 10,000 deals to reach it."""
    configure(own_api, offset_cap=20)
    assert own_api.post(f"{DEALS}/search", json={"limit": 10, "after": "10"}).status_code == 200
    assert own_api.post(f"{DEALS}/search", json={"limit": 10, "after": "11"}).status_code == 400


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("crm.objects.deals.read", "GET", DEALS),
        ("crm.objects.deals.read", "POST", f"{DEALS}/search"),
        ("crm.objects.deals.read", "POST", f"{DEALS}/batch/read"),
        ("crm.objects.deals.write", "PATCH", f"{DEALS}/1"),
        ("crm.objects.deals.write", "POST", f"{DEALS}/batch/update"),
        ("crm.objects.contacts.read", "POST", "/crm/associations/2026-09/deals/contacts/batch/read"),
        ("crm.objects.contacts.write", "POST", "/crm/objects/2026-09/notes"),
        ("crm.objects.contacts.write", "POST", "/crm/v3/objects/tasks"),
        ("crm.objects.companies.read", "GET", "/crm/objects/2026-09/companies"),
        ("crm.objects.line_items.read", "GET", "/crm/objects/2026-09/line_items"),
        ("crm.objects.owners.read", "GET", "/crm/owners/2026-09"),
        ("crm.schemas.deals.read", "GET", "/crm/properties/2026-09/deals"),
        ("crm.schemas.deals.read", "GET", "/crm/pipelines/2026-09/deals"),
        ("crm.schemas.deals.write", "POST", "/crm/properties/2026-09/deals"),
    ],
)
def test_a_missing_scope_is_a_403_that_names_it(own_api: httpx.Client, scope: str, method: str, path: str) -> None:
    """Recorded in HubSpot/hubspot-api-nodejs #268, with today's granular names."""
    configure(own_api, missing_scopes=[scope])
    answer = own_api.request(method, path, json=None if method == "GET" else {"inputs": []})
    assert answer.status_code == 403
    assert golden(answer) == {
        "status": "error",
        "message": "This app hasn't been granted all required scopes to make this call. Read more about required "
        "scopes here: https://developers.hubspot.com/scopes.",
        "errors": [
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]},
            }
        ],
        "links": {"scopes": "https://developers.hubspot.com/scopes"},
        "category": "MISSING_SCOPES",
    }
    configure(own_api, missing_scopes=[])
    assert own_api.request(method, path, json=None if method == "GET" else {"inputs": []}).status_code != 403
