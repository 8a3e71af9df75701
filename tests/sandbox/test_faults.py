"""Faults on demand: refusals word for word, pages that lie, connections that break."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults.kinds import Kind
from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
SEARCH = f"{DEALS}/search"


def ask_for(api: httpx.Client, kind: str, **options: Any) -> None:
    assert api.post("/_sim/fault", json={"kind": kind, **options}).status_code == 201


def applied(api: httpx.Client) -> list[int]:
    return [fault["applied"] for fault in api.get("/_sim/fault").json()["faults"]]


def ids(answer: httpx.Response) -> list[str]:
    return [deal["id"] for deal in answer.json()["results"]]


def search(api: httpx.Client, last: str = "0", limit: int = 10) -> httpx.Response:
    given = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    body = {"filterGroups": [{"filters": [given]}], "sorts": ["hs_object_id"], "limit": limit}
    return api.post(SEARCH, json=body)


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
def test_a_refusal_is_in_hubspots_words(own_api: httpx.Client, kind: str) -> None:
    """Status and whole body; nothing was carried out, and the next request passes."""
    ask_for(own_api, kind, method="GET")
    status, expected = GOLDEN[kind]
    answer = own_api.get(DEALS)
    body = answer.json()
    assert answer.status_code == status
    assert body.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
    body.pop("requestId", None)
    assert body == {"status": "error", **expected}
    assert applied(own_api) == [1]
    assert own_api.get(DEALS).status_code == 200


@pytest.mark.parametrize("kind", PAGES)
def test_a_proxys_refusal_is_html(own_api: httpx.Client, kind: str) -> None:
    """Of the proxies in front of HubSpot: a client that expects JSON must not fall over it."""
    ask_for(own_api, kind)
    answer = own_api.get(DEALS)
    assert answer.status_code == PAGES[kind]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<html>")


def test_only_a_migration_says_when_to_come_back_by_itself(own_api: httpx.Client) -> None:
    """Retry-After is documented for 477; every other refusal has it only when the test wants it."""
    ask_for(own_api, "moved")
    ask_for(own_api, "moved", retry_after=86_400)
    ask_for(own_api, "locked")
    ask_for(own_api, "unavailable", retry_after=5)
    answers = [own_api.get(DEALS) for _ in range(4)]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["120", "86400", None, "5"]


def test_a_fault_strikes_what_it_is_meant_for(own_api: httpx.Client) -> None:
    """Method and path pattern, after `skip` requests, `times` times."""
    ask_for(own_api, "server_error", method="POST", path=r"/search$", skip=2, times=3)
    assert own_api.get(DEALS).status_code == 200
    assert [search(own_api).status_code for _ in range(6)] == [200, 200, 500, 500, 500, 200]
    assert applied(own_api) == [3]


def test_a_fault_can_look_at_the_query(own_api: httpx.Client) -> None:
    """Only the recycle bin fails."""
    ask_for(own_api, "unavailable", path=r"0-3\?.*archived=true", times=None)
    assert own_api.get(DEALS).status_code == 200
    assert [own_api.get(DEALS, params={"archived": "true"}).status_code for _ in range(3)] == [503] * 3


def test_faults_can_be_cleared(own_api: httpx.Client) -> None:
    """Nothing is left of them."""
    ask_for(own_api, "unauthorized", times=None)
    assert own_api.get(DEALS).status_code == 401
    assert own_api.delete("/_sim/fault").json() == {"faults": []}
    assert own_api.get(DEALS).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "earthquake"}, {"kind": "hang", "path": "("}, {"kind": "hang", "times": 0}, {"kind": 1, "x": 1}],
)
def test_a_fault_that_is_none_is_refused(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """With a 400, and nothing strikes."""
    assert own_api.post("/_sim/fault", json=body).status_code == 400
    assert own_api.get("/_sim/fault").json() == {"faults": []}


def test_a_page_can_come_twice(own_api: httpx.Client) -> None:
    """The route's previous page in place of the one that was asked for; the first page has no previous one."""
    ask_for(own_api, "duplicate_page", path="search")
    first = search(own_api)
    again = search(own_api, last=ids(first)[-1])
    assert ids(again) == ids(first)
    assert ids(search(own_api, last=ids(first)[-1])) > ids(first)


@pytest.mark.parametrize("page", ["search", "list"])
def test_a_page_can_be_short(own_api: httpx.Client, page: str) -> None:
    """Nothing is lost: the rest is reached by keyset and by cursor, and `total` stays true."""
    whole = ids(search(own_api))
    ask_for(own_api, "short_page")
    if page == "search":
        short = search(own_api)
        assert short.json()["total"] == 30
        rest = own_api.post(SEARCH, json={"sorts": ["hs_object_id"], **short.json()["paging"]["next"]})
    else:
        short = own_api.get(DEALS)
        rest = own_api.get(DEALS, params=short.json()["paging"]["next"])
    assert ids(short) == whole[:5]
    assert ids(rest)[:5] == whole[5:]


def test_a_cursor_can_repeat_itself(own_api: httpx.Client) -> None:
    """Whoever follows it never ends."""
    cursor = own_api.get(DEALS).json()["paging"]["next"]["after"]
    ask_for(own_api, "repeated_cursor", times=2)
    assert own_api.get(DEALS, params={"after": cursor}).json()["paging"]["next"]["after"] == cursor
    assert own_api.post(SEARCH, json={"limit": 5, "after": "5"}).json()["paging"]["next"]["after"] == "5"


def test_a_page_can_be_empty_although_there_is_more(own_api: httpx.Client) -> None:
    """`total` says so."""
    ask_for(own_api, "empty_page")
    empty = search(own_api).json()
    assert (empty["total"], empty["results"]) == (30, [])
    assert len(ids(search(own_api))) == 10


def test_a_page_can_be_out_of_order(own_api: httpx.Client) -> None:
    """The same deals: the highest id does not stand last."""
    whole = ids(search(own_api))
    ask_for(own_api, "out_of_order")
    shuffled = ids(search(own_api))
    assert sorted(shuffled) == whole
    assert shuffled != whole


def test_bodies_can_be_something_else(own_api: httpx.Client) -> None:
    """HTML with a 200, nothing with a 200, half a JSON text that claims to be whole."""
    for kind in ("wrong_content_type", "empty_body", "cut_json"):
        ask_for(own_api, kind)
    html, empty, cut = (own_api.get(DEALS) for _ in range(3))
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (empty.status_code, empty.content) == (200, b"")
    assert int(cut.headers["Content-Length"]) == len(cut.content)
    with pytest.raises(ValueError, match=r"."):
        cut.json()


def test_a_body_can_end_before_it_should(own_api: httpx.Client) -> None:
    """The whole length is announced, half of it comes."""
    ask_for(own_api, "truncated_json")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_connection_can_be_reset(own_api: httpx.Client, own_sandbox: Running) -> None:
    """Connection reset by peer; what was asked for was not done."""
    deal = ids(own_api.get(DEALS))[0]
    ask_for(own_api, "reset", method="PATCH")
    with pytest.raises(httpx.ReadError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] != "4711"


def test_a_write_can_be_done_without_an_answer(own_api: httpx.Client) -> None:
    """The client cannot know; HubSpot has no idempotency keys."""
    deal = ids(own_api.get(DEALS))[0]
    ask_for(own_api, "write_then_cut", method="PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] == "4711"


def test_a_request_can_hang(own_api: httpx.Client) -> None:
    """Until the client loses patience; or until the time that was given, and then the connection ends."""
    ask_for(own_api, "hang")
    with pytest.raises(httpx.ReadTimeout):
        own_api.get(DEALS, timeout=0.1)
    ask_for(own_api, "hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_an_answer_can_drip(own_api: httpx.Client) -> None:
    """Slow, but whole and right."""
    whole = own_api.get(DEALS).json()
    ask_for(own_api, "slow_drip", seconds=0.2)
    dripped = own_api.get(DEALS)
    assert dripped.json() == whole
    assert dripped.elapsed.total_seconds() >= 0.15


def test_what_was_applied_is_counted(own_api: httpx.Client) -> None:
    """By kind, in the statistics too; the journal has status 0 for what got no answer."""
    ask_for(own_api, "reset")
    ask_for(own_api, "locked", times=2)
    with pytest.raises(httpx.TransportError):
        own_api.get(DEALS)
    for _ in range(2):
        own_api.get(DEALS)
    assert own_api.get("/_sim/stats").json()["faults"] == {"reset": 1, "locked": 2}
    journal = own_api.get("/_sim/journal").json()["requests"]
    assert [entry["status"] for entry in journal] == [0, 423, 423]


def test_every_kind_of_fault_is_under_test() -> None:
    """A new kind needs a test here."""
    text = Path(__file__).read_text()
    assert [kind.value for kind in Kind if f'"{kind.value}"' not in text] == []
