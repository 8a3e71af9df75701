"""Pipelines and their stages."""

import httpx


def test_deals_have_two_pipelines(api: httpx.Client) -> None:
    """HubSpot's default pipeline with its seven stages, and one with numeric ids."""
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
