"""Searches for deals, and the deals that they should find."""

from typing import Any

import httpx

from sandbox.account.object_types import DEALS
from sandbox.testing import Running

PATH = "/crm/objects/2026-09/0-3/search"


def search(api: httpx.Client, path: str = PATH, **body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def matching(api: httpx.Client, *filters: dict[str, Any]) -> set[str]:
    """The ids of all deals that satisfy all of these filters."""
    found = search(api, filterGroups=[{"filters": list(filters)}], limit=200)
    ids = {deal["id"] for deal in found["results"]}
    if found["total"] > 200:
        rest = search(api, filterGroups=[{"filters": list(filters)}], limit=200, after="200")
        ids |= {deal["id"] for deal in rest["results"]}
    assert len(ids) == found["total"]
    return ids


def filter_of(name: str, operator: str, value: object = None, **more: object) -> dict[str, Any]:
    given = {"propertyName": name, "operator": operator, **more}
    return given if value is None else given | {"value": str(value)}


def expected(sandbox: Running, name: str, test: Any) -> set[str]:
    """The ids of the deals whose stored property satisfies the test."""
    account = sandbox.account
    return {str(deal.id) for deal in account.table(DEALS) if test(account.read(DEALS, deal, name))}
