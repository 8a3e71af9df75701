"""With WRITE_BACK on, HubSpot is told each thing once, whatever happens in between."""

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
from pipeline.runner import Runner
from pipeline.stage import SkipRun, StageFailed, Terms
from pipeline.stages import STAGES
from pipeline.stages.payload import SETTLED
from pipeline.stages.write_back import STAGE
from tests.crm.account import OBJECTS, Account
from tests.factories import WORKER, queued_deal, rows, run_store
from tests.hubspot import Sandbox, catalog
from tests.stages.processing import Processing
from tests.stages.told import Told, ready_account

KENJI = "79544102"
NOTES, TASKS = "/0-46$", "/0-27$"
NOTES_OF_DEAL = "/associations/0-46"
# What write-back may do to an account, and nothing else.
ALLOWED = re.compile(rf"PATCH {OBJECTS}/0-3/\d+|POST {OBJECTS}/0-46|POST {OBJECTS}/0-27")
QUESTION = re.compile(r"GET |POST .*(/search|/batch/read)$")
ON = Terms(write_back=True)


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with ready_account() as sandbox:
        yield sandbox


@pytest.fixture
async def processing(client: HubSpot, database: Database) -> AsyncIterator[Processing]:
    with stamina.set_testing(True, attempts=3), capture_logs():
        yield Processing(client, catalog(client), database, ON)


@pytest.fixture
def deal_id(account: Account) -> str:
    """Of a deal with something serious to tell its owner."""
    return account.deal({"amount": "-5", "hubspot_owner_id": KENJI})


async def prepared(processing: Processing, deal_id: str) -> tuple[int, dict[str, Any]]:
    """All but the last stage."""
    outputs = await processing.through(deal_id, "score")
    return await processing.store(deal_id), outputs


async def test_the_deal_its_note_and_its_task_are_written(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """Exactly what is stored, with HubSpot's time of the change; and nothing else is touched."""
    before, seen = account.read("deals", deal_id), len(hubspot.journal())
    output = (await processing.through(deal_id))["write_back"]
    told = Told(account, deal_id)
    assert told.counts == (1, 1)
    update, note, task = (request["body"]["properties"] for request in output["requests"])
    assert told.deal.items() >= {key: value for key, value in update.items() if value}.items()
    assert told.notes[0]["hs_note_body"] == note["hs_note_body"]
    assert told.tasks[0]["hs_task_body"] == task["hs_task_body"]
    assert (output["dry_run"], output["written"]["note_id"]) == (False, told.notes[0]["hs_object_id"])
    after = account.read("deals", deal_id)
    assert output["written"]["updated_at"] == after.pop("hs_lastmodifieddate")
    before.pop("hs_lastmodifieddate")
    assert after == before
    requests = [f"{entry['method']} {entry['path']}" for entry in hubspot.journal()[seen:]]
    acts = [request for request in requests if not QUESTION.match(request)]
    assert len(acts) == 3
    assert all(ALLOWED.fullmatch(act) for act in acts)


def test_nothing_that_destroys_can_be_asked_of_the_client() -> None:
    """No merge, no removal, no archive, no association; the only change of a deal takes our own properties alone."""
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
async def test_what_was_written_unheard_is_found_again(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, path: str, kind: str
) -> None:
    """HubSpot has done it and nobody was told: it is looked for, not sent again."""
    hubspot.fault(kind, "POST", path)
    output = (await processing.through(deal_id))["write_back"]
    told = Told(account, deal_id)
    assert told.counts == (1, 1)
    assert output["written"]["note_id"] == told.notes[0]["hs_object_id"]


async def test_what_cannot_be_looked_for_waits_for_the_next_attempt(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """The connection is cut, and then HubSpot is away; the next attempt looks first."""
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault("write_then_cut", "POST", NOTES)
    hubspot.fault("unavailable", "GET", NOTES_OF_DEAL, skip=1, times=3)
    with pytest.raises(TransientCrmError):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, deal_id).counts == (1, 0)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, deal_id).counts == (1, 1)


@pytest.mark.parametrize("fault", ["reset", "server_error"])
async def test_what_was_not_written_is_written_by_the_next_attempt(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, fault: str
) -> None:
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault(fault, "POST", NOTES)
    with pytest.raises(TransientCrmError):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, deal_id).counts == (0, 0)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, deal_id).counts == (1, 1)


@pytest.mark.parametrize(("path", "counts"), [(NOTES, (0, 0)), (TASKS, (1, 0))])
async def test_an_attempt_that_was_killed_is_taken_up(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str, path: str, counts: tuple[int, int]
) -> None:
    """Between the deal and its note, and between note and task: nothing stands there twice."""
    stored, outputs = await prepared(processing, deal_id)
    hubspot.fault("hang", "POST", path, seconds=2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await processing.run(STAGE, stored, deal_id, outputs)
    told = Told(account, deal_id)
    assert (told.counts, told.deal["dealqueue_score"] is not None) == (counts, True)
    await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, deal_id).counts == (1, 1)


async def test_the_same_findings_are_told_once(processing: Processing, account: Account, deal_id: str) -> None:
    """By a later run too; when something changes a second note says so, and when all is well a last one."""
    await processing.through(deal_id)
    await processing.again()
    output = (await processing.through(deal_id))["write_back"]
    assert Told(account, deal_id).counts == (1, 1)
    assert [request["method"] for request in output["requests"]] == ["PATCH"]
    account.change("deals", deal_id, {"hs_next_step": "Send the quote"})
    await processing.again()
    await processing.through(deal_id)
    assert Told(account, deal_id).counts == (2, 1)
    processing.terms = Terms(rulebook=everything_off(), write_back=True)
    for _ in range(2):
        await processing.again()
        await processing.through(deal_id)
    told = Told(account, deal_id)
    assert told.counts == (3, 1)
    assert sum(SETTLED in note["hs_note_body"] for note in told.notes) == 1


def everything_off() -> Rulebook:
    shipped = shipped_rulebook()
    return Rulebook.model_validate({**shipped.model_dump(), "severity": dict.fromkeys(shipped.severity, "off")})


async def test_a_clean_deal_gets_no_note(processing: Processing, account: Account, deal_id: str) -> None:
    processing.terms = Terms(rulebook=everything_off(), write_back=True)
    await processing.through(deal_id)
    assert Told(account, deal_id).counts == (0, 0)


async def test_a_record_in_use_is_waited_for(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    hubspot.fault("locked", "PATCH", "/0-3/")
    await processing.through(deal_id)
    assert Told(account, deal_id).counts == (1, 1)


async def test_a_missing_scope_is_named(processing: Processing, hubspot: Sandbox, deal_id: str) -> None:
    hubspot.fault("missing_scope", "PATCH", "/0-3/")
    with pytest.raises(MissingScopes, match=r"crm\.objects\.deals"):
        await processing.through(deal_id)


async def test_a_deal_that_has_gone_meanwhile_is_left_alone(
    processing: Processing, account: Account, deal_id: str
) -> None:
    stored, outputs = await prepared(processing, deal_id)
    account.archive("deals", deal_id)
    with pytest.raises(SkipRun) as raised:
        await processing.run(STAGE, stored, deal_id, outputs)
    assert raised.value.reason is RunReason.ARCHIVED


async def test_a_deal_that_was_merged_meanwhile_is_left_alone(
    processing: Processing, account: Account, hubspot: Sandbox, deal_id: str
) -> None:
    """HubSpot would write to the deal that it was merged into."""
    stored, outputs = await prepared(processing, deal_id)
    merged = account.merge(deal_id, account.deal())
    with pytest.raises(SkipRun, match=merged):
        await processing.run(STAGE, stored, deal_id, outputs)
    assert Told(account, merged).deal["dealqueue_score"] is None


async def test_what_an_admins_rule_refuses_needs_attention(
    database: Database, database_url: str, client: HubSpot, hubspot: Sandbox, deal_id: str
) -> None:
    """The run has FAILED, at once, with HubSpot's own words."""
    hubspot.fault("validation_refused", "PATCH", "/0-3/")
    runner = Runner(
        database=database,
        runs=run_store(database),
        stages=[stage.under(ON) for stage in STAGES],
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
