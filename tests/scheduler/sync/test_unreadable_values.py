"""One value that cannot be read hides no deal, and one record that cannot be read stops no page."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text

from core.database import Database
from scheduler.context import JobContext
from scheduler.sync.sync_jobs import archive, backfill, reconcile, settle, tail
from tests.api.application import BEARER, application, client_of
from tests.api.graphql_client import GraphQLClient
from tests.completeness.account import Account
from tests.factories import one, rows
from tests.pipeline.stages.processing import Processing
from tests.scheduler.sync.odd_values import JsonText, odd, odd_properties
from tests.scheduler.sync.stored import SMALL, last_sync
from tests.schema.every_field import every_field

DEAL = "SELECT name, amount, hubspot_stage, close_date, status, unreadable FROM deals WHERE hubspot_deal_id = :id"

# Neither of the two modification times can be read; of two fields of one name, the last one counts.
NO_TIME = (("updatedAt", JsonText('[1], "properties": {"hs_lastmodifieddate": "soon"}')),)


async def stored(database: Database, identifier: str) -> dict[str, Any]:
    (found,) = await rows(database, DEAL, id=identifier)
    return found


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("properties.amount", "1,800.00", {"amount": "1,800.00"}),
        ("properties.closedate", {"at": 1}, {"closedate": '{"at":1}'}),
        ("properties.hs_lastmodifieddate", False, {"hs_lastmodifieddate": "false"}),
        ("archived", "no", {"archived": "no"}),
        ("updatedAt", [], {}),
        ("properties", None, {"properties": "null"}),
    ],
)
async def test_a_deal_with_a_value_that_cannot_be_read_is_new_and_moves_like_any_other(
    small_context: JobContext, small: Account, database: Database, field: str, value: object, kept: dict[str, str]
) -> None:
    """A new deal enters the queue, a known one gets the rest of its changes; no record is rejected."""
    known = small.ids(archived=False)[0]
    await backfill(small_context)
    (new,) = small.mutate(create=1)["created"]
    for identifier in (new, known):
        small.clear_faults()
        small.mutate(edit=[identifier])
        odd(small, identifier, field, value)
        await tail(small_context)
        found, truth = await stored(database, identifier), small.truth()
        assert (found["status"], found["unreadable"]) == ("QUEUED", kept)
        if field != "properties":
            assert (found["name"] or "", found["hubspot_stage"]) == (
                truth[identifier]["dealname"] or "", truth[identifier]["dealstage"]
            )  # fmt: skip
    assert (await last_sync(database))["rejected"] == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r'"Loom \ud83d"', "Loom \ufffd"),
        (r'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (r'"caf\u0000"', "caf"),
        ("9" * 400, "9" * 400),
        (r'{"\ud83d": "\udfff"}', None),
    ],
    ids=range(5),
)
async def test_a_name_that_is_hardly_json_stops_no_sync(
    small_context: JobContext, small: Account, database: Database, name: str, shown: str | None
) -> None:
    """Backfill, tail, settle, archive and reconcile end as done with every deal."""
    identifier = small.ids(archived=False)[0]
    odd(small, identifier, "properties.dealname", JsonText(name))
    for sync in (backfill, tail, settle, archive, reconcile):
        await sync(small_context)
        last = await last_sync(database)
        assert (last["outcome"], last["error"], last["rejected"]) == ("DONE", None, 0), sync
    assert await one(database, "SELECT count(*) FROM deals") == SMALL
    assert (await stored(database, identifier))["name"] == shown


@pytest.mark.parametrize(
    ("field", "value"), [("id", None), ("id", "9" * 19), ("id", "9" * 5_000), ("id", ["7"]), *NO_TIME]
)
async def test_a_record_that_cannot_be_read_stops_no_sync(
    small_context: JobContext, small: Account, database: Database, field: str, value: object
) -> None:
    """The others of its page are stored; a deal is neither purged nor merged because its record has no id."""
    identifier = small.ids(archived=False)[-1]
    await backfill(small_context)
    small.mutate(edit=[identifier])
    odd(small, identifier, field, value)
    for sync in (tail, reconcile):
        await sync(small_context)
        last = await last_sync(database)
        assert (last["outcome"], last["error"], last["rejected"] > 0) == ("DONE", None, True), sync
    assert await one(database, "SELECT count(*) FROM deals WHERE archived_at IS NULL") == SMALL


async def test_a_record_that_was_rejected_by_an_earlier_release_is_read_by_the_next_tail(
    small_context: JobContext, small: Account, database: Database
) -> None:
    """Its deal is stored, and the reject is forgotten."""
    await backfill(small_context)
    (identifier,) = small.mutate(create=1)["created"]
    odd(small, identifier, "properties.amount", "1,800.00")
    await tail(small_context)
    await database.run(text("TRUNCATE deals CASCADE"))
    reject = "INSERT INTO sync_rejects (record_key, body, error) VALUES (:id, '{}', 'property amount') RETURNING 1"
    await one(database, reject, id=identifier)
    await database.run(text("UPDATE sync_state SET tail_from = '2999-01-01Z'"))
    await tail(small_context)
    assert (await stored(database, identifier))["unreadable"] == {"amount": "1,800.00"}
    assert await one(database, "SELECT count(*) FROM sync_rejects") == 0


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=odd_properties)
async def test_any_values_go_through_storage_and_stages_to_the_api(
    small_context: JobContext, small: Account, database: Database, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Whatever JSON they are: the deal is stored, its run reads and checks it, and every field of the API is JSON."""
    identifier = small.ids(archived=False)[0]
    small.clear_faults()
    properties = {"dealname": "Loom", "pipeline": "default", "dealstage": "qualifiedtobuy", **changes}
    odd(small, identifier, "properties", properties)
    await database.run(text("TRUNCATE deals, sync_state, sync_rejects CASCADE"))
    await backfill(small_context)
    assert await one(database, "SELECT count(*) FROM deals") == SMALL
    deal_id = await one(database, "SELECT id FROM deals WHERE hubspot_deal_id = :id", id=identifier)
    processing = Processing(small_context.crm, small_context.catalog, database)
    outputs = await processing.outputs(deal_id, identifier)
    assert outputs["fetch"]["properties"].keys() >= changes.keys()
    async with client_of(application(database, tmp_path), **BEARER) as client:
        await GraphQLClient(client)(every_field(deal_id))
