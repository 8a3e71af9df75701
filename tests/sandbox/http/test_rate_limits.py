"""HubSpot's rate limits, under a clock that the test advances."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx

from sandbox.app import Options
from sandbox.testing import running

DEALS = "/crm/objects/2026-09/0-3"
BURST_HEADERS = (
    "X-HubSpot-RateLimit-Max",
    "X-HubSpot-RateLimit-Remaining",
    "X-HubSpot-RateLimit-Interval-Milliseconds",
)


class StoppedClock:
    """Advances only when a test does it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@contextmanager
def limited(burst: int = 190, search_per_second: int = 5) -> Iterator[tuple[httpx.Client, StoppedClock]]:
    clock = StoppedClock()
    options = Options(burst=burst, search_per_second=search_per_second, lively=False)
    with (
        running(deals=5, clock=clock, options=options) as sandbox,
        httpx.Client(
            base_url=sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False
        ) as client,
    ):
        yield client, clock


def statuses(client: httpx.Client, count: int, *, search: bool = False) -> list[int]:
    if search:
        return [client.post(f"{DEALS}/search", json={}).status_code for _ in range(count)]
    return [client.get(DEALS).status_code for _ in range(count)]


def test_the_burst_limit_rolls_over_ten_seconds() -> None:
    """Ten requests in any ten seconds; a refused one uses up nothing."""
    with limited(burst=10) as (client, clock):
        assert statuses(client, 6) == [200] * 6
        clock.seconds = 5
        assert statuses(client, 6) == [200] * 4 + [429] * 2
        clock.seconds = 9.9
        assert statuses(client, 1) == [429]
        clock.seconds = 10.1
        assert statuses(client, 7) == [200] * 6 + [429]


def test_the_burst_limit_error_is_hubspots() -> None:
    """Recorded body with policyName, all headers, no Retry-After."""
    with limited(burst=1) as (client, _):
        client.get(DEALS)
        answer = client.get(DEALS)
        body = answer.json()
        assert answer.status_code == 429
        assert body.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
        assert body.pop("requestId")
        assert body == {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
        }
        assert [answer.headers[name] for name in BURST_HEADERS] == ["1", "0", "10000"]
        assert "Retry-After" not in answer.headers


def test_searches_have_a_limit_of_their_own() -> None:
    """Five a second, independent of other requests."""
    with limited(burst=100) as (client, clock):
        assert statuses(client, 6, search=True) == [200] * 5 + [429]
        assert statuses(client, 20) == [200] * 20
        clock.seconds = 1.1
        assert statuses(client, 6, search=True) == [200] * 5 + [429]


def test_the_search_limit_error_is_hubspots() -> None:
    """Recorded body without policyName; only the daily headers, no Retry-After."""
    with limited(search_per_second=1) as (client, _):
        accepted = client.post(f"{DEALS}/search", json={})
        answer = client.post(f"{DEALS}/search", json={})
        body = answer.json()
        assert answer.status_code == 429
        assert body.pop("correlationId")
        assert body == {
            "status": "error",
            "message": "You have reached your secondly limit.",
            "category": "RATE_LIMITS",
        }
        assert not [name for name in BURST_HEADERS if name in answer.headers]
        assert "X-HubSpot-RateLimit-Daily-Remaining" in answer.headers
        assert "Retry-After" not in answer.headers
        assert not [name for name in accepted.headers if "ratelimit" in name.lower()]


def test_remaining_requests_are_reported() -> None:
    """Maximum, remainder and interval on every request that counts; association batches do not count."""
    with limited(burst=50) as (client, _):
        first, second = client.get(DEALS), client.get("/crm/owners/2026-09")
        assert [first.headers[name] for name in BURST_HEADERS] == ["50", "49", "10000"]
        assert second.headers["X-HubSpot-RateLimit-Remaining"] == "48"
        batch = client.post("/crm/associations/2026-09/deals/contacts/batch/read", json={"inputs": []})
        assert batch.status_code == 200
        assert client.get(DEALS).headers["X-HubSpot-RateLimit-Remaining"] == "47"


def test_a_wrong_token_uses_up_nothing() -> None:
    """And its response has no rate limit headers."""
    with limited(burst=2) as (client, _):
        refused = client.get(DEALS, headers={"Authorization": "Bearer wrong"})
        assert refused.status_code == 401
        assert "X-HubSpot-RateLimit-Max" not in refused.headers
        assert statuses(client, 3) == [200, 200, 429]


def test_the_date_header_follows_the_sandboxs_clock() -> None:
    """A sync measures its windows by it, so it must be the clock of the timestamps."""
    with limited() as (client, clock):
        clock.seconds = 3600
        assert client.get(DEALS).headers.get_list("Date") == ["Mon, 02 Nov 2026 13:00:00 GMT"]
        deal = client.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
        changed = client.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "1"}}).json()
        assert changed["updatedAt"] == "2026-11-02T13:00:00.000Z"
