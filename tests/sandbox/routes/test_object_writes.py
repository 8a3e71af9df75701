"""Creating, changing and archiving records."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.sandbox.deals import a_deal, patch

DEALS = "/crm/objects/2026-09/0-3"


def found_by_name(api: httpx.Client, name: str) -> list[str]:
    given = {"propertyName": "dealname", "operator": "EQ", "value": name}
    results = api.post(f"{DEALS}/search", json={"filterGroups": [{"filters": [given]}]}).json()["results"]
    return [deal["id"] for deal in results]


def test_a_change_shows_in_reads_and_searches_and_in_the_modification_time(own_api: httpx.Client) -> None:
    """`updatedAt` and hs_lastmodifieddate are the same instant, later than before."""
    before = a_deal(own_api)
    answer = patch(own_api, before["id"], dealname="Renamed by a test")
    after = own_api.get(f"{DEALS}/{before['id']}").json()
    assert answer.status_code == 200
    assert answer.json()["properties"]["dealname"] == after["properties"]["dealname"] == "Renamed by a test"
    assert after["updatedAt"] == answer.json()["updatedAt"] == after["properties"]["hs_lastmodifieddate"]
    assert after["updatedAt"] > before["updatedAt"]
    assert after["createdAt"] == before["createdAt"]
    assert found_by_name(own_api, "Renamed by a test") == [before["id"]]
    assert before["id"] not in found_by_name(own_api, before["properties"]["dealname"])


def test_a_change_is_found_by_its_modification_time(own_api: httpx.Client) -> None:
    """The search that a sync polls with."""
    since = str(int(datetime.now(UTC).timestamp() * 1000) - 1000)
    given = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": since}
    body = {"filterGroups": [{"filters": [given]}]}
    assert own_api.post(f"{DEALS}/search", json=body).json()["total"] == 0
    deal = patch(own_api, a_deal(own_api)["id"], amount="1234.5").json()
    found = own_api.post(f"{DEALS}/search", json=body).json()
    assert [(entry["id"], entry["properties"]["amount"]) for entry in found["results"]] == [(deal["id"], "1234.5")]


def test_an_empty_value_clears_a_property(own_api: httpx.Client) -> None:
    """It is null afterwards."""
    deal = a_deal(own_api)
    patch(own_api, deal["id"], amount="10", hs_next_step="Call")
    cleared = patch(own_api, deal["id"], amount="", hs_next_step=None).json()["properties"]
    assert (cleared["amount"], cleared["hs_next_step"]) == (None, None)


def test_values_are_stored_in_hubspots_form(own_api: httpx.Client) -> None:
    """Dates as ISO instants, whatever the given form; numbers and flags as text."""
    deal = a_deal(own_api)
    for given in ("2027-01-31", "1801353600000", "2027-01-31T00:00:00Z", 1801353600000):
        assert (
            patch(own_api, deal["id"], closedate=given).json()["properties"]["closedate"] == "2027-01-31T00:00:00.000Z"
        )
    assert patch(own_api, deal["id"], amount=1500).json()["properties"]["amount"] == "1500"


def test_a_change_of_stage_is_in_the_history_and_sets_the_time_of_entry(own_api: httpx.Client) -> None:
    """HubSpot sets the time of entry; calculated properties follow the stage."""
    deal = patch(own_api, a_deal(own_api)["id"], pipeline="default", dealstage="closedwon").json()
    names = "dealstage,hs_v2_date_entered_current_stage,hs_is_closed_won"
    params = {"properties": names, "propertiesWithHistory": "dealstage"}
    shown = own_api.get(f"{DEALS}/{deal['id']}", params=params).json()
    assert shown["properties"]["hs_is_closed_won"] == "true"
    newest = shown["propertiesWithHistory"]["dealstage"][0]
    assert newest["value"] == "closedwon"
    assert newest["timestamp"] == deal["updatedAt"]


def test_an_archived_deal_is_only_in_the_recycle_bin(own_api: httpx.Client) -> None:
    """Its modification time does not change, as in HubSpot; archiving it again has no effect."""
    deal = a_deal(own_api)
    path = f"{DEALS}/{deal['id']}"
    assert own_api.delete(path).status_code == 204
    assert own_api.delete(path).status_code == 204
    assert own_api.get(path).status_code == 404
    binned = own_api.get(path, params={"archived": "true"}).json()
    assert (binned["archived"], binned["updatedAt"]) == (True, deal["updatedAt"])
    assert binned["archivedAt"] > deal["updatedAt"]
    assert own_api.get(DEALS, params={"archived": "true"}).json()["results"] == [binned]
    live = own_api.get(DEALS, params={"limit": 100}).json()["results"]
    assert deal["id"] not in {entry["id"] for entry in live}
    assert len(live) == 29
    assert own_api.get(f"{DEALS}/{live[0]['id']}", params={"archived": "true"}).status_code == 404


def test_a_note_is_created_with_its_association_and_can_be_read_back(own_api: httpx.Client) -> None:
    """By id, from the deal, and by a search for its text."""
    deal = a_deal(own_api)
    before = linked_notes(own_api, deal["id"])
    answer = own_api.post(
        "/crm/objects/2026-09/notes",
        json={
            "properties": {"hs_timestamp": "2026-11-01T10:00:00Z", "hs_note_body": "dealqueue marker 42"},
            "associations": [
                {
                    "to": {"id": deal["id"]},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}],
                }
            ],
        },
    )
    assert answer.status_code == 201
    note = answer.json()
    assert note["properties"]["hs_note_body"] == "dealqueue marker 42"
    assert linked_notes(own_api, deal["id"]) - before == {int(note["id"])}
    given = {"propertyName": "hs_note_body", "operator": "CONTAINS_TOKEN", "value": "marker"}
    found = own_api.post("/crm/objects/2026-09/notes/search", json={"filterGroups": [{"filters": [given]}]}).json()
    assert [entry["id"] for entry in found["results"]] == [note["id"]]
    back = own_api.get(f"/crm/objects/2026-09/notes/{note['id']}", params={"associations": "deals"}).json()
    assert back["associations"]["deals"]["results"] == [{"id": deal["id"], "type": "note_to_deal"}]


@pytest.mark.parametrize(("kind", "link"), [("notes", 214), ("tasks", 216)])
@pytest.mark.parametrize("hours", [-1, 24])
def test_an_activity_moves_the_last_activity_of_its_deal(
    own_api: httpx.Client, kind: str, link: int, hours: int
) -> None:
    """Whoever logs it; one in the future counts as of now, and one before the last activity moves nothing."""
    deal = own_api.post(DEALS, json={"properties": {"dealname": "Quiet", "dealstage": "contractsent"}}).json()["id"]
    names = ("hs_last_activity_date", "notes_last_updated", "hs_lastmodifieddate")

    def logged(at: datetime) -> dict[str, str]:
        to = [{"to": {"id": deal}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link}]}]
        body = {"properties": {"hs_timestamp": at.isoformat()}, "associations": to}
        own_api.post(f"/crm/v3/objects/{kind}", json=body).raise_for_status()
        found = own_api.get(f"{DEALS}/{deal}", params={"properties": ",".join(names)}).json()["properties"]
        return {name: found[name] for name in names}

    now = datetime.now(UTC)
    first = logged(now + timedelta(hours=hours))
    moment = datetime.fromisoformat(first["hs_last_activity_date"])
    assert abs(moment - min(now + timedelta(hours=hours), now)) < timedelta(minutes=1)
    assert first["notes_last_updated"] == first["hs_last_activity_date"]
    again = logged(now - timedelta(days=2))
    assert again["hs_last_activity_date"] == first["hs_last_activity_date"]
    assert again["hs_lastmodifieddate"] >= first["hs_lastmodifieddate"]


def linked_notes(api: httpx.Client, deal_id: str) -> set[int]:
    answer = api.get(f"/crm/objects/2026-09/deals/{deal_id}/associations/notes")
    return {entry["toObjectId"] for entry in answer.json()["results"]}


def test_a_task_is_created_for_an_owner(own_api: httpx.Client) -> None:
    """With due date, subject, status and priority."""
    properties = {
        "hs_timestamp": "1801353600000",
        "hs_task_subject": "Check the amount",
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hubspot_owner_id": "77412201",
    }
    link = {"to": {"id": a_deal(own_api)["id"]}, "types": [{"associationTypeId": 216}]}
    answer = own_api.post("/crm/v3/objects/tasks", json={"properties": properties, "associations": [link]})
    assert answer.status_code == 201
    shown = answer.json()["properties"]
    assert shown["hs_timestamp"] == "2027-01-31T00:00:00.000Z"
    assert {name: shown[name] for name in properties if name != "hs_timestamp"} == {
        name: value for name, value in properties.items() if name != "hs_timestamp"
    }


def test_a_new_primary_company_replaces_the_former_one(own_api: httpx.Client) -> None:
    """A deal has one primary company; the former one stays associated."""
    companies = [
        entry["id"] for entry in own_api.get("/crm/v3/objects/companies", params={"limit": 2}).json()["results"]
    ]
    associations = [{"to": {"id": company}, "types": [{"associationTypeId": 5}]} for company in companies]
    body = {"properties": {"dealname": "Two companies", "dealstage": "contractsent"}, "associations": associations}
    deal = own_api.post(DEALS, json=body).json()
    associated = own_api.get(f"{DEALS}/{deal['id']}/associations/companies").json()["results"]
    labels = {str(entry["toObjectId"]): [known["label"] for known in entry["associationTypes"]] for entry in associated}
    assert labels == {companies[0]: [None], companies[1]: ["Primary", None]}
