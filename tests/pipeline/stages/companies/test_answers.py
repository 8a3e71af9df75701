"""hubspot_answers: an answer is used while it is as new as one that the run itself would get."""

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.queue import Priority
from pipeline.stages.companies.answers import Kind, database_time, recall, recall_shared, remember
from tests.factories import MODIFIED, one, running_deal


async def recalled(database: Database, run_id: int, kind: Kind = Kind.OF_DOMAIN) -> dict[str, object]:
    return (await recall(database, run_id, kind, ["a", "b", "c"])).found


async def test_answers_and_misses_are_remembered(database: Database) -> None:
    """Also that HubSpot has nothing; only what was asked is found, under the kind of the question."""
    run = await running_deal(database)
    now = await database_time(database)
    await remember(database, Kind.OF_DOMAIN, {"a": [["7", "Größe"]], "b": []}, now)
    await remember(database, Kind.COMPANY, {"c": None}, now)
    assert await recalled(database, run.run_id) == {"a": [["7", "Größe"]], "b": []}
    assert await recalled(database, run.run_id, Kind.COMPANY) == {"c": None}
    shared = await recall_shared(database, [run.deal_id], Kind.OF_DOMAIN, ["a", "c"])
    assert shared.found == {"a": [["7", "Größe"]]}
    assert shared.now > now


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hubspot_answers SET read_at = read_at - interval '301 s'",
        "UPDATE pipeline_runs SET created_at = clock_timestamp()",
        "UPDATE pipeline_runs SET queued_at = clock_timestamp()",
        f"UPDATE pipeline_runs SET priority = {int(Priority.NOW)}",
        "UPDATE steps SET (stage, attempts) = ('associate', 2)",
    ],
)
async def test_an_answer_that_a_person_may_have_changed_is_not_used(database: Database, change: str) -> None:
    """Read minutes ago, before the run was requested or released, or for a run that is hurried or tried again."""
    run = await running_deal(database)
    await remember(database, Kind.OF_DOMAIN, {"a": []}, await database_time(database))
    assert await recalled(database, run.run_id) == {"a": []}
    await database.run(text(change))
    assert await recalled(database, run.run_id) == {}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE hubspot_answers SET read_at = read_at - interval '61 s'",
        "UPDATE deals SET hubspot_modified_at = hubspot_modified_at + interval '1 ms'",
        "UPDATE deals SET (superseded_modified_at, hubspot_modified_at) = (hubspot_modified_at, '2000-01-01')",
    ],
)
async def test_the_companies_of_a_deal_are_used_as_long_as_its_snapshot(database: Database, change: str) -> None:
    """A minute, and not after the sync has stored another version of the deal."""
    run = await running_deal(database)
    await database.run(text("UPDATE pipeline_runs SET created_at = '2000-01-01', queued_at = NULL"))
    await remember(database, Kind.OF_DEAL, {"a": [["7", [5]]]}, await database_time(database), {"a": MODIFIED})
    assert await recalled(database, run.run_id, Kind.OF_DEAL) == {"a": [["7", [5]]]}
    await database.run(text(change))
    assert await recalled(database, run.run_id, Kind.OF_DEAL) == {}


async def test_the_newest_answer_stays_and_old_ones_are_deleted(database: Database) -> None:
    """Whichever worker stores it last."""
    run = await running_deal(database)
    earlier, later = await database_time(database), await database_time(database)
    await remember(database, Kind.OF_DOMAIN, {"a": [["7", "New"]]}, later)
    await remember(database, Kind.OF_DOMAIN, {"a": [], "b": []}, earlier)
    assert await recalled(database, run.run_id) == {"a": [["7", "New"]], "b": []}
    await database.run(text("UPDATE hubspot_answers SET read_at = read_at - interval '301 s' WHERE key = 'a'"))
    await remember(database, Kind.OF_DOMAIN, {"c": []}, later)
    assert await one(database, "SELECT string_agg(key, '' ORDER BY key) FROM hubspot_answers") == "bc"
