"""Owners, pipelines, properties, validation rules and the account itself."""

import httpx
import pytest


def test_owners_are_listed_archived_ones_apart(api: httpx.Client) -> None:
    """The archived one has no user id any more."""
    active = api.get("/crm/owners/2026-09").json()["results"]
    archived = api.get("/crm/owners/2026-09", params={"archived": "true"}).json()["results"]
    assert len(active) == 8
    assert [(owner["archived"], owner["userId"]) for owner in archived] == [(True, None)]
    assert all(owner["userId"] for owner in active)


def test_owners_are_paged_and_found_by_email(api: httpx.Client) -> None:
    """Three a page gives all eight; an address gives one."""
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


def test_deals_have_two_pipelines(api: httpx.Client) -> None:
    """HubSpot's default one with its seven stages, and one with numeric ids."""
    default, renewals = api.get("/crm/pipelines/2026-09/deals").json()["results"]
    assert [stage["id"] for stage in default["stages"]] == [
        "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent",
        "closedwon", "closedlost",
    ]  # fmt: skip
    assert [stage["metadata"]["probability"] for stage in default["stages"]] == [
        "0.2", "0.4", "0.6", "0.8", "0.9", "1.0", "0.0"
    ]  # fmt: skip
    assert [stage["metadata"]["isClosed"] for stage in default["stages"]] == ["false"] * 5 + ["true"] * 2
    assert all(stage["id"].isdecimal() for stage in renewals["stages"])
    assert api.get(f"/crm/v3/pipelines/0-3/{renewals['id']}").json() == renewals
    assert api.get(f"/crm/v3/pipelines/deals/{renewals['id']}/stages").json()["results"] == renewals["stages"]
    assert api.get("/crm/pipelines/2026-09/contacts").json() == {"results": []}


@pytest.mark.parametrize("kind", ["deals", "contacts", "companies", "line_items", "notes", "tasks"])
def test_every_property_that_is_shown_is_defined(api: httpx.Client, kind: str) -> None:
    """Each listed definition can be read by name and asked for."""
    definitions = api.get(f"/crm/properties/2026-09/{kind}").json()["results"]
    names = [definition["name"] for definition in definitions]
    assert len(set(names)) == len(names)
    record = api.get(f"/crm/v3/objects/{kind}", params={"limit": 1, "properties": ",".join(names)}).json()["results"]
    assert all(set(shown["properties"]) == set(names) for shown in record)
    assert api.get(f"/crm/properties/2026-09/{kind}/{names[0]}").json() == definitions[0]


def test_definitions_say_what_cannot_be_written(api: httpx.Client) -> None:
    """Calculated ones are read only; enumerations list their options."""
    by_name = {entry["name"]: entry for entry in api.get("/crm/properties/2026-09/deals").json()["results"]}
    assert by_name["hs_is_closed"]["calculated"]
    assert by_name["hs_is_closed"]["modificationMetadata"]["readOnlyValue"]
    assert not by_name["amount"]["modificationMetadata"]["readOnlyValue"]
    assert {option["value"] for option in by_name["pipeline"]["options"]} == {"default", "748115230"}
    assert (by_name["closedate"]["type"], by_name["closedate"]["fieldType"]) == ("datetime", "date")
    assert by_name["hubspot_owner_id"]["externalOptions"]


def test_the_admins_rules_are_listed(api: httpx.Client) -> None:
    """By object type and by property."""
    listed = api.get("/crm/property-validations/2026-09/0-3").json()["results"]
    rules = {entry["propertyName"]: entry["propertyValidationRules"] for entry in listed}
    assert rules["amount"] == [{"ruleType": "MIN_NUMBER", "ruleArguments": ["500"]}]
    assert api.get("/crm/v3/property-validations/0-3/amount").json()["results"] == rules["amount"]
    assert api.get("/crm/property-validations/2026-09/0-1").json() == {"results": []}


@pytest.mark.parametrize("path", ["/account-info/2026-09/details", "/account-info/v3/details"])
def test_the_account_says_its_currency_and_time_zone(api: httpx.Client, path: str) -> None:
    """Every field of HubSpot's answer is there."""
    assert api.get(path).json().keys() == {
        "portalId", "accountType", "timeZone", "companyCurrency", "additionalCurrencies", "utcOffset",
        "utcOffsetMilliseconds", "uiDomain", "dataHostingLocation",
    }  # fmt: skip
