"""Owners: list and read."""

import httpx


def test_archived_owners_are_listed_separately(api: httpx.Client) -> None:
    """The archived owner has no user id."""
    active = api.get("/crm/owners/2026-09").json()["results"]
    archived = api.get("/crm/owners/2026-09", params={"archived": "true"}).json()["results"]
    assert len(active) == 8
    assert [(owner["archived"], owner["userId"]) for owner in archived] == [(True, None)]
    assert all(owner["userId"] for owner in active)


def test_owners_are_paged_and_found_by_email(api: httpx.Client) -> None:
    """Pages of three return all eight; an address returns one."""
    seen, after = [], None
    while True:
        params = {"limit": 3, **({"after": after} if after else {})}
        body = api.get("/crm/v3/owners/", params=params).json()
        seen += body["results"]
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"]
    assert len({owner["id"] for owner in seen}) == 8
    found = api.get("/crm/owners/2026-09", params={"email": seen[2]["email"]}).json()["results"]
    assert found == [seen[2]]


def test_an_owner_is_read_by_owner_or_user_id(api: httpx.Client) -> None:
    """And an unknown one is a 404."""
    owner = api.get("/crm/owners/2026-09").json()["results"][0]
    assert api.get(f"/crm/owners/2026-09/{owner['id']}").json() == owner
    assert api.get(f"/crm/owners/2026-09/{owner['userId']}", params={"idProperty": "userId"}).json() == owner
    assert api.get("/crm/owners/2026-09/1").status_code == 404
