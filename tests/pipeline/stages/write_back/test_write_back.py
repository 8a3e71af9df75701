"""A dry run stores the exact requests that HubSpot would get, and sends none."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from pipeline.stages.write_back.write_back import STAGE
from tests.crm.account import Account
from tests.factories import one
from tests.hubspot import Sandbox
from tests.pipeline.stages.processing import KENJI, ULRIKE, Processing

NOW = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


async def write_back(processing: Processing, hubspot_deal_id: str) -> dict[str, Any]:
    output: dict[str, Any] = (await processing.through(hubspot_deal_id, now=NOW))["write_back"]
    assert output["dry_run"] is True
    return output


def request(output: dict[str, Any], path: str) -> dict[str, Any]:
    found = [request for request in output["requests"] if request["path"] == path]
    assert len(found) == 1, output["requests"]
    body: dict[str, Any] = found[0]["body"]
    return body


async def test_property_values_are_texts(processing: Processing, account: Account) -> None:
    """As HubSpot takes them; an empty text clears what an earlier run may have written."""
    deal_id = account.deal({"amount": "900", "hubspot_owner_id": KENJI})
    output = await write_back(processing, deal_id)
    update = output["requests"][0]
    assert (update["method"], update["path"]) == ("PATCH", f"/crm/objects/2026-09/0-3/{deal_id}")
    assert update["body"] == {
        "properties": {
            "dealqueue_score": "45",
            "dealqueue_issues": "close_date_missing; next_step_missing; contact_missing; company_missing",
            "dealqueue_duplicate_of": "",
            "dealqueue_checked_at": "2026-11-24T12:00:00.123Z",
        }
    }


async def test_properties_that_the_account_lacks_are_listed(processing: Processing, account: Account) -> None:
    """HubSpot would refuse the request because of them."""
    output = await write_back(processing, account.deal())
    assert output["missing_properties"] == list(output["requests"][0]["body"]["properties"])


async def test_a_note_holds_the_findings_as_escaped_html(processing: Processing, account: Account) -> None:
    """HubSpot shows a note as HTML; a name in a finding must not become markup there."""
    company = account.company("<script>alert(1)</script>")
    deal_id = account.deal(contacts=[account.contact(company=company)])
    note = request(await write_back(processing, deal_id), "/crm/objects/2026-09/0-46")
    assert note["associations"] == [
        {
            "to": {"id": deal_id},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}],
        }
    ]
    assert note["properties"]["hs_timestamp"] == "2026-11-24T12:00:00.123Z"
    body = note["properties"]["hs_note_body"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>" not in body
    run_id = await one(processing.database, "SELECT max(id) FROM pipeline_runs")
    assert f"{run_id}:write_back" in body


async def test_serious_findings_make_a_task_for_the_owner(processing: Processing, account: Account) -> None:
    """Due a day later; none for a deactivated owner, a closed deal or findings of lower severity."""
    serious = account.deal({"amount": "-5", "hubspot_owner_id": KENJI})
    task = request(await write_back(processing, serious), "/crm/objects/2026-09/0-27")
    assert task["associations"][0]["types"][0]["associationTypeId"] == 216
    assert task["properties"]["hubspot_owner_id"] == KENJI
    assert task["properties"]["hs_timestamp"] == "2026-11-25T12:00:00.123Z"
    assert task["properties"]["hs_task_subject"] == "Deal Queue: 1 point to look at"
    for given in (
        {"amount": "-5", "hubspot_owner_id": ULRIKE},
        {"amount": "-5", "hubspot_owner_id": KENJI, "dealstage": "closedwon"},
        {"amount": "5", "hubspot_owner_id": KENJI},
    ):
        output = await write_back(processing, account.deal(given))
        assert [request["path"] for request in output["requests"]][1:] == ["/crm/objects/2026-09/0-46"]


@pytest.mark.parametrize(
    ("zone", "hidden", "closes", "last_minute", "next_day"),
    [
        ("Pacific/Auckland", False, "2026-11-30T09:00:00Z", "2026-11-30T10:59", "2026-11-30T11:00"),
        ("America/Los_Angeles", False, "2026-11-30T09:00:00Z", "2026-12-01T07:59", "2026-12-01T08:00"),
        # HubSpot does not tell the zone: the day is that of UTC, and the run goes on.
        ("Pacific/Auckland", True, "2026-11-30T09:00:00Z", "2026-11-30T23:59", "2026-12-01T00:00"),
    ],
)
async def test_a_deal_that_closes_today_gets_no_task(
    processing: Processing, account: Account, hubspot: Sandbox,
    zone: str, hidden: bool, closes: str, last_minute: str, next_day: str,
) -> None:  # fmt: skip
    """In the account's time zone, as its details report it; from the next day on the owner has a task."""
    hubspot.move_to(zone)
    if hidden:
        hubspot.fault("missing_scope", "GET", "/account-info/", times=None)
    try:
        for now, rules, tasks in ((last_minute, [], 0), (next_day, ["close_date_past"], 1)):
            deal_id = account.deal({"amount": "900", "hubspot_owner_id": KENJI, "closedate": closes})
            outputs = await processing.through(deal_id, now=datetime.fromisoformat(now).replace(tzinfo=UTC))
            found = [found["rule"] for found in outputs["validate"]["findings"] if found["property"] == "closedate"]
            paths = [request["path"] for request in outputs["write_back"]["requests"]]
            assert (found, paths.count("/crm/objects/2026-09/0-27")) == (rules, tasks)
    finally:
        hubspot.heal()
        hubspot.move_to("Europe/London")


async def test_the_same_findings_get_no_second_note(processing: Processing, account: Account) -> None:
    """A later run of the deal updates the properties, and writes a note only when the findings have changed."""
    deal_id = account.deal({"hubspot_owner_id": KENJI})
    outputs = await processing.through(deal_id, now=NOW)
    await processing.database.run(
        text("""WITH done AS (
                  INSERT INTO steps (run_id, position, stage, status, attempts, started_at, output)
                  SELECT latest_run_id, 5, 'write_back', 'DONE', 1, now(),
                         jsonb_build_object('dry_run', true, 'findings_digest', CAST(:digest AS text))
                  FROM deals RETURNING run_id),
                ended AS (UPDATE pipeline_runs SET status = 'DONE' FROM done WHERE id = done.run_id RETURNING deal_id),
                again AS (INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages)
                          SELECT deal_id, 2, 'MANUAL', 'QUEUED', '[]' FROM ended RETURNING id)
                UPDATE deals SET latest_run_id = again.id FROM again"""),
        {"digest": outputs["write_back"]["findings_digest"]},
    )
    again = await write_back_again(processing, outputs, deal_id)
    assert [request["method"] for request in again["requests"]] == ["PATCH"]
    assert "previous run" in again["remarks"][0]
    outputs["validate"]["findings"].append({"rule": "new", "severity": "low", "message": "Something new."})
    assert len((await write_back_again(processing, outputs, deal_id))["requests"]) == 2


async def write_back_again(processing: Processing, outputs: dict[str, Any], hubspot_deal_id: str) -> dict[str, Any]:
    deal_id = await one(processing.database, "SELECT id FROM deals")
    result = await processing.run(STAGE, deal_id, hubspot_deal_id, outputs, now=NOW)
    return result.output.model_dump(mode="json")


async def test_nothing_is_written_to_hubspot(processing: Processing, account: Account, hubspot: Sandbox) -> None:
    """The stage sends no request that changes anything."""
    deal_id = account.deal({"amount": "-5", "hubspot_owner_id": KENJI})
    before = hubspot.truth()
    writes = account.writes()
    output = await write_back(processing, deal_id)
    assert len(output["requests"]) == 3
    assert account.writes() == writes
    assert hubspot.truth() == before
