"""Faults that break the connection: no response, half of one, or a slow one."""

import httpx
import pytest

from sandbox.testing import Running
from tests.sandbox.faults.requests import DEALS, add_fault, ids


def test_a_body_can_end_early(own_api: httpx.Client) -> None:
    """The header announces the whole length, but only half of the body is sent."""
    add_fault(own_api, "truncated_json")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_connection_can_be_reset(own_api: httpx.Client, own_sandbox: Running) -> None:
    """Connection reset by peer; the request was not carried out."""
    deal = ids(own_api.get(DEALS))[0]
    add_fault(own_api, "reset", method="PATCH")
    with pytest.raises(httpx.ReadError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] != "4711"


def test_a_write_can_be_carried_out_without_a_response(own_api: httpx.Client) -> None:
    """The client cannot know; HubSpot has no idempotency keys."""
    deal = ids(own_api.get(DEALS))[0]
    add_fault(own_api, "write_then_cut", method="PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] == "4711"


def test_a_request_can_hang(own_api: httpx.Client) -> None:
    """Until the client times out; or for the given time, after which the connection closes."""
    add_fault(own_api, "hang")
    with pytest.raises(httpx.ReadTimeout):
        own_api.get(DEALS, timeout=0.1)
    add_fault(own_api, "hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_response_can_be_slow(own_api: httpx.Client) -> None:
    """In pieces, but complete and correct."""
    whole = own_api.get(DEALS).json()
    add_fault(own_api, "slow_drip", seconds=0.2)
    dripped = own_api.get(DEALS)
    assert dripped.json() == whole
    assert dripped.elapsed.total_seconds() >= 0.15
