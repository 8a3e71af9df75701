"""What every endpoint requires before its handler is called."""

import time

import httpx
import pytest

from sandbox import SANDBOX_TOKEN
from sandbox.app import Options
from sandbox.testing import Running, running
from tests.sandbox.conftest import configure, golden

DEALS = "/crm/objects/2026-09/0-3"


@pytest.mark.parametrize("authorization", [None, "Bearer pat-na1-unknown", SANDBOX_TOKEN, f"Basic {SANDBOX_TOKEN}"])
@pytest.mark.parametrize("path", [DEALS, f"{DEALS}/search", "/crm/v3/owners/"])
def test_a_request_without_the_token_is_a_401(sandbox: Running, authorization: str | None, path: str) -> None:
    """No token, an unknown one, one without `Bearer`: recorded text, category INVALID_AUTHENTICATION."""
    headers = {"Authorization": authorization} if authorization else {}
    method = "POST" if path.endswith("search") else "GET"
    answer = httpx.request(method, sandbox.url + path, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert golden(answer) == {
        "status": "error",
        "message": "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "category": "INVALID_AUTHENTICATION",
    }


def test_another_token_can_be_set() -> None:
    """`make run` generates one for each start; the documented one is then refused."""
    with running(deals=1, options=Options(token="pat-mine", lively=False)) as own:
        for token, status in (("pat-mine", 200), (SANDBOX_TOKEN, 401)):
            headers = {"Authorization": f"Bearer {token}"}
            assert httpx.get(own.url + DEALS, headers=headers, trust_env=False).status_code == status


def test_every_response_can_be_delayed(own_api: httpx.Client) -> None:
    """In real time, whatever the clock shows, but not on the control plane."""
    configure(own_api, latency_ms=400)
    begun = time.perf_counter()
    own_api.get("/healthz")
    assert time.perf_counter() - begun < 0.4
    assert own_api.get(DEALS).elapsed.total_seconds() >= 0.4


def test_a_token_is_revoked_and_replaced(own_api: httpx.Client) -> None:
    """401 for the old token until it is accepted again, and permanently once there is a new one."""
    configure(own_api, token_revoked=True)
    assert own_api.get(DEALS).status_code == 401
    configure(own_api, token_revoked=False)
    assert own_api.get(DEALS).status_code == 200
    configure(own_api, token="pat-new")
    assert own_api.get(DEALS).status_code == 401
    assert own_api.get(DEALS, headers={"Authorization": "Bearer pat-new"}).status_code == 200
