"""Requests for faults, and requests that a fault may apply to."""

from typing import Any

import httpx

DEALS = "/crm/objects/2026-09/0-3"


SEARCH = f"{DEALS}/search"


def add_fault(api: httpx.Client, kind: str, **options: Any) -> None:
    assert api.post("/_sim/fault", json={"kind": kind, **options}).status_code == 201


def applied(api: httpx.Client) -> list[int]:
    return [fault["applied"] for fault in api.get("/_sim/fault").json()["faults"]]


def ids(answer: httpx.Response) -> list[str]:
    return [deal["id"] for deal in answer.json()["results"]]


def search(api: httpx.Client, last: str = "0", limit: int = 10) -> httpx.Response:
    given = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    body = {"filterGroups": [{"filters": [given]}], "sorts": ["hs_object_id"], "limit": limit}
    return api.post(SEARCH, json=body)
