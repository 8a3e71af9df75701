"""Another run begins where the last one ended, at a named stage, or at the first."""

import asyncio

import pytest

from core.database import Database
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import (
    AlreadyRunning,
    NotFound,
    NothingToRetry,
    OperationRefused,
    StageNotReached,
    UnknownStage,
)
from pipeline.operations.retry import RetryFrom, retry
from pipeline.stage import StageContext
from tests.factories import STAGES, done_deal, one, queued_deal, rows, run_store
from tests.pipeline.operations.states import ADA, AUDIT, failed_deal, last_run
from tests.pipeline.staging import runner, stage

OUTPUTS = (
    "SELECT stage, output, started_at, ended_at FROM steps WHERE run_id = :id AND status = 'DONE' ORDER BY position"
)


async def test_a_retry_begins_after_the_finished_stages(database: Database, context: OperationContext) -> None:
    """A new run, queued with its job; it has their outputs and times, and the attempts stay with the old run."""
    lease = await failed_deal(database, finished=2)
    done = await retry(context, lease.deal_id)
    assert done.sentence == f"Run 2 of deal {lease.deal_id} is queued, from associate."
    assert await last_run(database, lease.deal_id) == {
        "number": 2, "trigger": "RETRY", "status": "QUEUED", "priority": 10, "deal": "QUEUED", "stage": "validate",
        "requested_by": ADA, "jobs": 1, "steps": ["fetch DONE 0", "validate DONE 0"],
    }  # fmt: skip
    assert await rows(database, OUTPUTS, id=done.run_id) == await rows(database, OUTPUTS, id=lease.run_id)
    assert await one(database, "SELECT count(*) FROM step_attempts WHERE run_id = :id", id=done.run_id) == 0
    assert await one(database, "SELECT count(*) FROM step_attempts") == 3


async def test_the_retry_runs_the_other_stages_only(database: Database, context: OperationContext) -> None:
    """With the outputs of those before: the first claim of a run that carries outputs over reads them."""
    lease = await failed_deal(database, finished=2)
    await retry(context, lease.deal_id)
    ran: list[str] = []

    async def note(context: StageContext) -> None:
        ran.append(context.idempotency_key.split(":")[1])
        assert context.outputs["validate"] == {"stage": "validate"}

    await runner(database, *(stage(key, note) for key in STAGES)).process(lease.deal_id)
    assert ran == list(STAGES[2:])
    assert (await last_run(database, lease.deal_id))["status"] == "DONE"


@pytest.mark.parametrize(
    ("at", "steps"),
    [(RetryFrom(stage="validate"), ["fetch DONE 0"]), (RetryFrom(stage="fetch"), []), (RetryFrom(whole=True), [])],
)
async def test_a_retry_begins_at_the_named_stage(
    database: Database, context: OperationContext, at: RetryFrom, steps: list[str]
) -> None:
    """At any stage when those before have finished, of a run that is done as well."""
    for lease in (await failed_deal(database, finished=2), await done_deal(database)):
        await retry(context, lease.deal_id, at)
        assert (await last_run(database, lease.deal_id))["steps"] == steps


async def test_the_outputs_of_an_older_run_can_be_carried_over(database: Database, context: OperationContext) -> None:
    """When the run is named; another deal's run is not found."""
    lease, other = await failed_deal(database, finished=3), await failed_deal(database)
    await retry(context, lease.deal_id, RetryFrom(whole=True))
    await rows(database, "UPDATE pipeline_runs SET status = 'FAILED' RETURNING id")
    await retry(context, lease.deal_id, RetryFrom(run_id=lease.run_id))
    assert len((await last_run(database, lease.deal_id))["steps"]) == 3
    with pytest.raises(NotFound, match=f"Deal {other.deal_id} has no run {lease.run_id}"):
        await retry(context, other.deal_id, RetryFrom(run_id=lease.run_id))


async def test_the_run_that_is_named_decides_whether_anything_is_left(
    database: Database, context: OperationContext
) -> None:
    """One that is done cannot be retried; an older one that failed can, although the last one is done."""
    done = await done_deal(database)
    whole = await retry(context, done.deal_id, RetryFrom(whole=True))
    await rows(database, "UPDATE pipeline_runs SET status = 'FAILED' WHERE id = :id RETURNING id", id=whole.run_id)
    with pytest.raises(NothingToRetry, match=f"Run 1 of deal {done.deal_id} is done"):
        await retry(context, done.deal_id, RetryFrom(run_id=done.run_id))
    failed = await failed_deal(database)
    whole = await retry(context, failed.deal_id, RetryFrom(whole=True))
    await rows(database, "UPDATE pipeline_runs SET status = 'DONE' WHERE id = :id RETURNING id", id=whole.run_id)
    retried = await retry(context, failed.deal_id, RetryFrom(run_id=failed.run_id))
    assert retried.sentence == f"Run 3 of deal {failed.deal_id} is queued, from associate."


async def test_each_refusal_is_a_sentence_and_changes_nothing(database: Database, context: OperationContext) -> None:
    """Except for the audit row of the refusal."""
    failed, done = await failed_deal(database), await done_deal(database)
    active = await queued_deal(database)
    before = await one(database, "SELECT count(*) FROM pipeline_runs")
    refusals: list[tuple[int, RetryFrom, type[OperationRefused], str]] = [
        (active, RetryFrom(), AlreadyRunning, f"Run 1 of deal {active} is queued."),
        (999, RetryFrom(), NotFound, "There is no deal 999."),
        (done.deal_id, RetryFrom(), NothingToRetry, f"Run 1 of deal {done.deal_id} is done. Name a stage"),
        (failed.deal_id, RetryFrom(stage="polish"), UnknownStage, "There is no stage polish. The stages are fetch, "),
        (
            failed.deal_id,
            RetryFrom(stage="score"),
            StageNotReached,
            "cannot begin at score: associate has not finished",
        ),
    ]
    for deal_id, at, error, sentence in refusals:
        with pytest.raises(error, match=sentence.replace(".", r"\.")):
            await retry(context, deal_id, at)
    assert await one(database, "SELECT count(*) FROM pipeline_runs") == before
    assert [row["outcome"] for row in await rows(database, AUDIT)] == ["REFUSED"] * len(refusals)


async def test_a_retry_leaves_one_audit_row(database: Database, context: OperationContext) -> None:
    """The actor, the action, the deal, the arguments, and the sentence that the person got."""
    lease = await failed_deal(database)
    done = await retry(context, lease.deal_id, RetryFrom(stage="validate"))
    assert await rows(database, AUDIT) == [
        {"actor": ADA, "action": "retry", "target": f"deal:{lease.deal_id}", "arguments": {"stage": "validate"},
         "outcome": "DONE", "detail": done.sentence}
    ]  # fmt: skip


async def test_of_many_retries_at_once_one_wins(database: Database, context: OperationContext) -> None:
    """The others are refused, as the deal has an active run; one run, one job."""
    lease = await failed_deal(database)
    outcomes = await asyncio.gather(*(retry(context, lease.deal_id) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, OperationResult) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyRunning) for outcome in outcomes) == 7
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE number > 1") == 1
    assert (await last_run(database, lease.deal_id))["jobs"] == 1


async def test_a_change_that_requested_a_run_is_served_by_a_whole_one(
    database: Database, context: OperationContext
) -> None:
    """A whole run reads the deal again; a run that carries over the earlier reading does not serve the change."""
    for at, left in ((RetryFrom(), 1), (RetryFrom(whole=True), 0)):
        lease = await failed_deal(database)
        await rows(database, "UPDATE deals SET rerun_wanted_at = now() WHERE id = :id RETURNING id", id=lease.deal_id)
        await retry(context, lease.deal_id, at)
        wanted = "SELECT count(rerun_wanted_at) FROM deals WHERE id = :id"
        assert await one(database, wanted, id=lease.deal_id) == left


@pytest.mark.parametrize("_round", range(5))
async def test_a_retry_and_a_change_at_once_make_one_run(
    database: Database, context: OperationContext, _round: int
) -> None:
    """Whichever is first; neither fails, and there is no deadlock."""
    leases = [await failed_deal(database) for _ in range(4)]
    await rows(database, "UPDATE deals SET rerun_wanted_at = now() RETURNING id")
    retries = (retry(context, lease.deal_id) for lease in leases)
    started, *outcomes = await asyncio.gather(
        run_store(database).start_wanted(context.stages), *retries, return_exceptions=True
    )  # fmt: skip
    assert isinstance(started, int)
    assert all(isinstance(outcome, OperationResult | AlreadyRunning) for outcome in outcomes), outcomes
    assert started + sum(isinstance(outcome, OperationResult) for outcome in outcomes) == 4
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE status = 'QUEUED'") == 4
