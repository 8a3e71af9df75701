"""A write is validated completely before anything is written."""

from typing import Any

import httpx
import pytest

from tests.sandbox.deals import a_deal, patch


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"amount": "a lot"}, "INVALID_INTEGER"),
        ({"amount": "nan"}, "INVALID_INTEGER"),
        ({"closedate": "tomorrow"}, "INVALID_LONG"),
        ({"closedate": "0001-01-01T00:00:00+14:00"}, "INVALID_LONG"),
        ({"closedate": "253402300800000"}, "INVALID_LONG"),
        ({"dealstage": "nonsense"}, "INVALID_OPTION"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"hs_is_closed": "true"}, "READ_ONLY_VALUE"),
    ],
)
def test_an_invalid_value_is_refused(api: httpx.Client, properties: dict[str, str], code: str) -> None:
    """With HubSpot's code, and nothing is changed, not even the valid properties."""
    deal = a_deal(api)
    answer = patch(api, deal["id"], dealname="Half a change", **properties)
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == [code]
    assert a_deal(api) == deal


@pytest.mark.parametrize(
    ("associations", "status"),
    [
        ([{"to": {"id": "1"}, "types": [{"associationTypeId": 214}]}], 404),
        ([{"to": {"id": "1"}, "types": [{"associationTypeId": 3}]}], 400),
        ([{"to": {"id": "1"}, "types": []}], 400),
        ([{"to": "1", "types": [{"associationTypeId": 214}]}], 400),
        ([{}], 400),
        (["1"], 400),
    ],
)
def test_a_note_with_a_wrong_association_is_not_created(
    api: httpx.Client, associations: list[Any], status: int
) -> None:
    """Nothing is left behind."""
    before = api.get("/_sim/stats").json()["records"]["notes"]
    body = {"properties": {"hs_timestamp": "1801353600000"}, "associations": associations}
    assert api.post("/crm/objects/2026-09/notes", json=body).status_code == status
    assert api.get("/_sim/stats").json()["records"]["notes"] == before


def test_a_note_requires_a_timestamp(api: httpx.Client) -> None:
    """hs_timestamp is the one required property."""
    answer = api.post("/crm/objects/2026-09/notes", json={"properties": {"hs_note_body": "when?"}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["context"] == {"properties": ["hs_timestamp"]}
