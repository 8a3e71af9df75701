"""Changes of deals on request, and the deals as each route shows them."""

from typing import Any

import httpx

DEALS = "/crm/objects/2026-09/0-3"


def mutate(api: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = api.post("/_sim/mutate", json=wanted)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def truth(api: httpx.Client) -> dict[str, Any]:
    known: dict[str, Any] = api.get("/_sim/truth").json()
    return known


def listed(api: httpx.Client, *, archived: bool = False) -> set[str]:
    params = {"limit": "100", "archived": str(archived).lower()}
    return {deal["id"] for deal in api.get(DEALS, params=params).json()["results"]}


def found(api: httpx.Client) -> set[str]:
    answer = api.post(f"{DEALS}/search", json={"limit": 200}).json()
    assert answer["total"] == len(answer["results"])
    return {deal["id"] for deal in answer["results"]}


def merge(api: httpx.Client, path: str = DEALS) -> tuple[str, str, dict[str, Any]]:
    """The ids of two deals, and their merged deal."""
    first, second = sorted(listed(api))[:2]
    answer = api.post(f"{path}/merge", json={"primaryObjectId": first, "objectIdToMerge": second})
    assert answer.status_code == 200, answer.text
    return first, second, answer.json()


def a_deal(api: httpx.Client, **parameters: Any) -> dict[str, Any]:
    deal: dict[str, Any] = api.get(DEALS, params={"limit": 1, **parameters}).json()["results"][0]
    return deal


def patch(api: httpx.Client, deal_id: str, **properties: Any) -> httpx.Response:
    return api.patch(f"{DEALS}/{deal_id}", json={"properties": properties})
