"""With WRITE_BACK on, each note and task is written to HubSpot once, whatever fails in between."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import stamina
from structlog.testing import capture_logs

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from crm.errors import MissingScopes, TransientCrmError
from models import RunReason
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages import STAGES
from pipeline.stages.stage import SkipRun, StageFailed, StageSettings
from pipeline.stages.write_back.hubspot_requests import SETTLED
from pipeline.stages.write_back.write_back import STAGE
from pipeline.worker.runner import Runner
from tests.crm.account import OBJECTS, Account
from tests.factories import WORKER, queued_deal, rows, run_store
from tests.hubspot import Sandbox, catalog
from tests.pipeline.stages.processing import KENJI, Processing
from tests.pipeline.stages.write_back.prepared_account import DealInHubSpot, prepared_account

NOTES, TASKS = "/0-46$", "/0-27$"
NOTES_OF_DEAL = "/associations/0-46"
# What write-back may do to an account, and nothing else.
ALLOWED = re.compile(rf"PATCH {OBJECTS}/0-3/\d+|POST {OBJECTS}/0-46|POST {OBJECTS}/0-27")
QUESTION = re.compile(r"GET |POST .*(/search|/batch/read)$")
ON = StageSettings(write_back=True)


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with prepared_account() as sandbox:
        yield sandbox


@pytest.fixture
async def processing(client: HubSpot, database: Database) -> AsyncIterator[Processing]:
    with stamina.set_testing(True, attempts=3), capture_logs():
        yield Processing(client, catalog(client), database, ON)


@pytest.fixture
def deal_id(account: Account) -> str:
    """The HubSpot id of a deal with a finding that is worth a task."""
    return account.deal({"amount": "-5", "hubspot_owner_id": KENJI})


async def prepared(processing: Processing, deal_id: str) -> tuple[int, dict[str, Any]]:
    """Run all stages but the last; return the deal's id and the outputs."""
    outputs = await processing.through(deal_id, "score")
    return await processing.store(deal_id), outputs


async def test_the_deal_its_note_and_its_task_are_written(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """Exactly as stored, with HubSpot's time of the change; nothing else is changed but the last activity."""
    before, seen = account.read("deals", deal_id), len(hubspot.journal())
    output = (await processing.through(deal_id))["write_back"]
    written = DealInHubSpot(account, deal_id)
    assert written.counts == (1, 1)
    update, note, task = (request["body"]["properties"] for request in output["requests"])
    assert written.deal.items() >= {key: value for key, value in update.items() if value}.items()
    assert written.notes[0]["hs_note_body"] == note["hs_note_body"]
    assert written.tasks[0]["hs_task_body"] == task["hs_task_body"]
    assert (output["dry_run"], output["written"]["note_id"]) == (False, written.notes[0]["hs_object_id"])
    after = account.read("deals", deal_id)
    # A note and a task are activities, and move these times on.
    assert output["written"]["updated_at"] <= after.pop("hs_lastmodifieddate")
    assert note["hs_timestamp"] <= after.pop("hs_last_activity_date")
    assert after == {name: before[name] for name in after}
    requests = [f"{entry['method']} {entry['path']}" for entry in hubspot.journal()[seen:]]
    acts = [request for request in requests if not QUESTION.match(request)]
    assert len(acts) == 3
    assert all(ALLOWED.fullmatch(act) for act in acts)


def test_the_client_has_no_destructive_method() -> None:
    """It cannot merge, delete, archive or associate; the only change of a deal accepts our own properties alone."""
    acts = {name for name in vars(HubSpot) if re.search(r"create|patch|post|put|delete|merge|archive|assoc|upd", name)}
    assert acts == {
        "create_property",
        "create_note",
        "create_task",
        "patch_deal",
        "associations",
        "read_archived_deals",
    }


async def test_properties_of_others_are_not_written(client: HubSpot, deal_id: str) -> None:
    with pytest.raises(ValueError, match="not amount, dealstage"):
        await client.patch_deal(deal_id, {"dealqueue_score": "1", "dealstage": "closedlost", "amount": "1"})


@pytest.mark.parametrize("path", [NOTES, TASKS])
@pytest.mark.parametrize("kind", ["write_then_cut", "empty_body", "cut_json"])
async def test_a_write_whose_response_is_lost_is_found_again(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, path: str, kind: str
) -> None:
    """The writer looks for the record instead of sending it again."""
    hubspot.fault(kind, "POST", path)
    output = (await processing.through(deal_id))["write_back"]
    written = DealInHubSpot(account, deal_id)
    assert written.counts == (1, 1)
    assert output["written"]["note_id"] == written.notes[0]["hs_object_id"]


async def test_a_write_of_unknown_outcome_is_left_to_the_next_attempt(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """The connection is cut, then HubSpot is unavailable; the next attempt looks before it writes."""
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault("write_then_cut", "POST", NOTES)
    hubspot.fault("unavailable", "GET", NOTES_OF_DEAL, skip=1, times=3)
    with pytest.raises(TransientCrmError):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, deal_id).counts == (1, 0)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


@pytest.mark.parametrize("fault", ["reset", "server_error"])
async def test_a_write_that_failed_is_repeated_by_the_next_attempt(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, fault: str
) -> None:
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault(fault, "POST", NOTES)
    with pytest.raises(TransientCrmError):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, deal_id).counts == (0, 0)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


@pytest.mark.parametrize(("path", "counts"), [(NOTES, (0, 0)), (TASKS, (1, 0))])
async def test_an_attempt_after_an_interrupted_one_writes_only_what_is_missing(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, path: str, counts: tuple[int, int]
) -> None:
    """Interrupted between the deal and its note, or between note and task: nothing is written twice."""
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault("hang", "POST", path, seconds=2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await processing.run(STAGE, stored, deal_id, outputs)
    written = DealInHubSpot(account, deal_id)
    assert (written.counts, written.deal["dealqueue_score"] is not None) == (counts, True)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


async def test_the_same_findings_are_written_once(processing: Processing, account: Account, deal_id: str) -> None:
    """Across runs too; changed findings get a second note, and a last one says that all are resolved."""
    await processing.through(deal_id)
    await processing.start_another_run()
    output = (await processing.through(deal_id))["write_back"]
    assert DealInHubSpot(account, deal_id).counts == (1, 1)
    assert [request["method"] for request in output["requests"]] == ["PATCH"]
    account.change("deals", deal_id, {"hs_next_step": "Send the quote"})
    await processing.start_another_run()
    await processing.through(deal_id)
    assert DealInHubSpot(account, deal_id).counts == (2, 1)
    processing.settings = StageSettings(rulebook=everything_off(), write_back=True)
    for _ in range(2):
        await processing.start_another_run()
        await processing.through(deal_id)
    written = DealInHubSpot(account, deal_id)
    assert written.counts == (3, 1)
    assert sum(SETTLED in note["hs_note_body"] for note in written.notes) == 1


def everything_off() -> Rulebook:
    shipped = shipped_rulebook()
    return Rulebook.model_validate({**shipped.model_dump(), "severity": dict.fromkeys(shipped.severity, "off")})


async def test_a_clean_deal_gets_no_note(processing: Processing, account: Account, deal_id: str) -> None:
    processing.settings = StageSettings(rulebook=everything_off(), write_back=True)
    await processing.through(deal_id)
    assert DealInHubSpot(account, deal_id).counts == (0, 0)


async def test_a_locked_record_is_retried(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    hubspot.fault("locked", "PATCH", "/0-3/")
    await processing.through(deal_id)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


async def test_a_missing_scope_is_named(processing: Processing, hubspot: Sandbox, deal_id: str) -> None:
    hubspot.fault("missing_scope", "PATCH", "/0-3/")
    with pytest.raises(MissingScopes, match=r"crm\.objects\.deals"):
        await processing.through(deal_id)


async def test_a_deal_that_was_archived_meanwhile_is_not_written(
    processing: Processing, account: Account, deal_id: str
) -> None:
    stored, outputs = await prepared(processing, deal_id)
    account.archive("deals", deal_id)
    with pytest.raises(SkipRun) as raised:
        await processing.run(STAGE, stored, deal_id, outputs)
    assert raised.value.reason is RunReason.ARCHIVED


async def test_a_deal_that_was_merged_meanwhile_is_not_written(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """HubSpot would apply the write to the deal that it was merged into."""
    stored, outputs = await prepared(processing, deal_id)
    merged = account.merge(deal_id, account.deal())
    with pytest.raises(SkipRun, match=merged):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert DealInHubSpot(account, merged).deal["dealqueue_score"] is None


async def test_a_write_that_a_validation_rule_refuses_needs_attention(
    database: Database, database_url: str, client: HubSpot, hubspot: Sandbox, deal_id: str
) -> None:
    """The run is FAILED at once, with HubSpot's own message."""
    hubspot.fault("validation_refused", "PATCH", "/0-3/")
    runner = Runner(
        database=database,
        runs=run_store(database),
        stages=[stage.with_settings(ON) for stage in STAGES],
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        worker=WORKER,
    )
    with capture_logs():
        await runner.process(await queued_deal(database, hubspot_deal_id=deal_id))
    assert await rows(database, "SELECT status, reason FROM pipeline_runs") == [
        {"status": "FAILED", "reason": "NEEDS_ATTENTION"}
    ]
    failed = await rows(database, "SELECT error_type, error_message FROM step_attempts WHERE error_type IS NOT NULL")
    assert [attempt["error_type"] for attempt in failed] == [StageFailed.__name__]
    assert "400" in failed[0]["error_message"]
