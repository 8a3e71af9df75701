"""Records are found by id, by a unique property, or by the id that they had before a merge."""

import httpx
import pytest

from sandbox.account.merging import merge
from sandbox.account.object_types import DEALS
from sandbox.account.seed_data import build_account
from sandbox.http.errors import ApiError
from sandbox.search.lookup import find_record, get_record
from tests.sandbox.clocks import Noon


def test_a_contact_is_found_by_its_email(api: httpx.Client) -> None:
    """`idProperty` works for unique properties and is refused for others."""
    contact = api.get("/crm/objects/2026-09/contacts", params={"limit": 1}).json()["results"][0]
    email = contact["properties"]["email"]
    found = api.get(f"/crm/objects/2026-09/contacts/{email.upper()}", params={"idProperty": "email"})
    assert found.json()["id"] == contact["id"]
    refused = api.get("/crm/objects/2026-09/contacts/Anna", params={"idProperty": "firstname"})
    assert refused.status_code == 400


def test_a_former_id_finds_the_merged_deal_for_the_route_of_one_record_only() -> None:
    """`find_record`, which batches use, does not know it."""
    account, _ = build_account(Noon(), deals=2, seed=1)
    first, second = account.table(DEALS)
    merged = merge(account, DEALS, first, second)
    assert get_record(account, DEALS, str(first.id)) == merged
    assert find_record(account, DEALS, str(first.id), None) is None
    assert find_record(account, DEALS, str(merged.id), None) == merged


def test_an_archived_record_is_found_only_among_archived_ones() -> None:
    """A live one only among live ones; 404 otherwise."""
    account, _ = build_account(Noon(), deals=2, seed=1)
    live, other = account.table(DEALS)
    archived = account.archive(DEALS, other)
    assert get_record(account, DEALS, str(other.id), archived=True) == archived
    for key, is_archived in ((str(other.id), False), (str(live.id), True)):
        with pytest.raises(ApiError) as refused:
            get_record(account, DEALS, key, archived=is_archived)
        assert refused.value.status == 404
        assert find_record(account, DEALS, key, None, archived=is_archived) is None
