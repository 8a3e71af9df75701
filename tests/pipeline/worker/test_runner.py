"""The runner takes a deal through its stages: stages that only the test has, and real rows."""

import pytest

from core.database import Database
from crm.errors import DailyLimitReached, TransientCrmError, Unauthorized
from models import RunReason
from pipeline.stages.stage import RetryPolicy, SkipRun, StageContext, StageFailed
from tests.factories import one, rows
from tests.pipeline.staging import Hanging, deal_with, run_state, runner, stage


async def test_a_deal_goes_through_all_stages_in_order(database: Database) -> None:
    """Each stage has the outputs of those before it, under a key that names run and stage."""
    seen: list[list[str]] = []

    async def record(context: StageContext) -> None:
        seen.append(list(context.outputs))

    deal_id = await deal_with(database, "one", "two", "three")
    await runner(database, stage("one", record), stage("two", record), stage("three", record)).process(deal_id)
    assert seen == [[], ["one"], ["one", "two"]]
    assert await run_state(database) == {
        "status": "DONE", "reason": None, "deal": "DONE", "stage": "three", "steps": ["DONE 1", "DONE 1", "DONE 1"]
    }  # fmt: skip
    run_id = await one(database, "SELECT id FROM pipeline_runs")
    outputs = await rows(database, "SELECT output FROM steps ORDER BY position")
    assert [row["output"]["key"] for row in outputs] == [f"{run_id}:{key}" for key in ("one", "two", "three")]


async def test_each_step_is_visible_while_it_runs(database: Database) -> None:
    """Its start is committed before the stage begins its work."""

    async def check(_: StageContext) -> None:
        assert (await run_state(database))["steps"] == ["DONE 1", "RUNNING 1"]

    deal_id = await deal_with(database, "one", "two")
    await runner(database, stage("one"), stage("two", check)).process(deal_id)
    assert (await run_state(database))["status"] == "DONE"


async def test_a_transient_error_is_retried_later(database: Database) -> None:
    """RETRYING, with a job for the time of the next attempt; the attempt's traceback is kept."""

    async def fail(_: StageContext) -> None:
        raise TransientCrmError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", fail)).process(deal_id)
    assert (await run_state(database))["status"] == "RETRYING"
    job = (
        await rows(
            database,
            """SELECT j.scheduled_at = r.next_attempt_at AS same, r.next_attempt_at > now() AS later
               FROM pipeline_runs r JOIN procrastinate_jobs j ON j.id = r.job_id""",
        )
    )[0]
    assert job == {"same": True, "later": True}
    assert "502" in await one(database, "SELECT traceback FROM step_attempts")


async def test_the_last_attempt_fails_the_run(database: Database) -> None:
    """After as many attempts as the stage's policy allows: FAILED, with the error message."""

    async def fail(_: StageContext) -> None:
        raise TransientCrmError("HubSpot answered 502.")

    policy = RetryPolicy(attempts=3, first_seconds=0, longest_seconds=0)
    deal_id = await deal_with(database, "one")
    subject = runner(database, stage("one", fail, retry=policy))
    for _ in range(3):
        await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "FAILED", "reason": None, "deal": "FAILED", "stage": "one", "steps": ["FAILED 3"]
    }  # fmt: skip
    assert await one(database, "SELECT error_message FROM steps") == "HubSpot answered 502."
    assert await one(database, "SELECT count(*) FROM step_attempts") == 3


@pytest.mark.parametrize(
    "error",
    [
        DailyLimitReached("3 of the HubSpot account's 250000 calls of today are left."),
        Unauthorized("HubSpot does not accept the token."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_that_the_deal_did_not_cause_fails_no_run(database: Database, error: Exception) -> None:
    """However often it occurs: the run waits for the next day, or for a valid token, and shows that."""

    async def fail(_: StageContext) -> None:
        raise error

    deal_id = await deal_with(database, "one")
    subject = runner(database, stage("one", fail, retry=RetryPolicy(attempts=1)))
    for _ in range(3):
        await subject.process(deal_id)
        await rows(database, "UPDATE pipeline_runs SET next_attempt_at = now() RETURNING id")
    found = await run_state(database)
    assert (found["status"], found["steps"]) == ("RETRYING", ["FAILED 3"])
    assert await one(database, "SELECT error_message FROM steps") == str(error)


@pytest.mark.parametrize(
    ("error", "status", "reason", "step"),
    [
        (StageFailed("Refused by a rule.", RunReason.NEEDS_ATTENTION), "FAILED", "NEEDS_ATTENTION", "FAILED 1"),
        (ZeroDivisionError("division by zero"), "FAILED", None, "FAILED 1"),
        (SkipRun(RunReason.ARCHIVED, "Archived in HubSpot."), "SKIPPED", "ARCHIVED", "SKIPPED 1"),
    ],
)
async def test_a_permanent_error_ends_the_run_at_once(
    database: Database, error: Exception, status: str, reason: str | None, step: str
) -> None:
    """It is not retried, and the later stages are not begun."""

    async def fail(_: StageContext) -> None:
        raise error

    deal_id = await deal_with(database, "one", "two")
    await runner(database, stage("one", fail), stage("two")).process(deal_id)
    assert await run_state(database) == {
        "status": status, "reason": reason, "deal": status, "stage": "one", "steps": [step]
    }  # fmt: skip


async def test_a_stage_that_takes_too_long_is_stopped(database: Database) -> None:
    """A time-out is a transient error, with a message that names the limit."""
    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", Hanging(), timeout_seconds=0.05)).process(deal_id)
    assert (await run_state(database))["status"] == "RETRYING"
    assert await one(database, "SELECT error_message FROM steps") == "One took longer than 0.05 s."


async def test_a_run_with_a_stage_of_another_release_fails(database: Database) -> None:
    """With that reason, before any stage is begun."""
    deal_id = await deal_with(database, "one", "enrich")
    await runner(database, stage("one")).process(deal_id)
    assert await run_state(database) == {
        "status": "FAILED", "reason": "BLOCKED_BY_UNKNOWN_STAGE", "deal": "FAILED", "stage": None, "steps": []
    }  # fmt: skip
