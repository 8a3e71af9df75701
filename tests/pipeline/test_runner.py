"""The runner takes a deal through stages; these are stages of the test's own, the rows are real."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
from procrastinate import App
from pydantic import BaseModel

from core.clock import SystemClock
from core.database import Database
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.errors import TransientCrmError
from models import RunReason
from pipeline.queue import make_app
from pipeline.runner import Runner
from pipeline.runs.rescue import reap
from pipeline.stage import RetryPolicy, SkipRun, Stage, StageContext, StageFailed, StageResult
from tests.factories import WORKER, expire, one, queued_deal, rows, running_deal

Work = Callable[[StageContext], Awaitable[None]]
NO_HUBSPOT = cast("HubSpot", None)
NO_CATALOG = cast("Catalog", None)


class Output(BaseModel):
    key: str


def stage(key: str, work: Work | None = None, **options: Any) -> Stage:
    """A stage that does `work`, then stores its own idempotency key."""

    async def run(context: StageContext) -> StageResult:
        if work is not None:
            await work(context)
        return StageResult(Output(key=context.idempotency_key))

    return Stage(key=key, label=key.capitalize(), run=run, **options)


def frozen(*keys: str) -> str:
    return "[" + ",".join(f'{{"key": "{key}", "label": "{key}"}}' for key in keys) + "]"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made


def runner(database: Database, app: App, *stages: Stage, lease_seconds: float = 15) -> Runner:
    return Runner(
        database=database,
        app=app,
        stages=stages,
        crm=NO_HUBSPOT,
        catalog=NO_CATALOG,
        clock=SystemClock(),
        worker=WORKER,
        lease_seconds=lease_seconds,
    )


async def deal_with(database: Database, *keys: str) -> int:
    """A QUEUED deal whose run is frozen to these stages."""
    deal_id = await queued_deal(database)
    await rows(database, f"UPDATE pipeline_runs SET stages = '{frozen(*keys)}' RETURNING id")
    return deal_id


async def run_state(database: Database) -> dict[str, Any]:
    found = await rows(
        database,
        """SELECT r.status, r.reason, d.status AS deal, d.current_stage AS stage,
           coalesce((SELECT jsonb_agg(s.status || ' ' || s.attempts ORDER BY s.position) FROM steps s
                     WHERE s.run_id = r.id), '[]') AS steps
           FROM pipeline_runs r JOIN deals d ON d.id = r.deal_id""",
    )
    return found[0]


async def test_a_deal_goes_through_all_stages_in_order(database: Database, app: App) -> None:
    """Each stage has the outputs of those before it, under a key that names run and stage."""
    seen: list[list[str]] = []

    async def look(context: StageContext) -> None:
        seen.append(list(context.outputs))

    deal_id = await deal_with(database, "one", "two", "three")
    await runner(database, app, stage("one", look), stage("two", look), stage("three", look)).process(deal_id)
    assert seen == [[], ["one"], ["one", "two"]]
    assert await run_state(database) == {
        "status": "DONE", "reason": None, "deal": "DONE", "stage": "three", "steps": ["DONE 1", "DONE 1", "DONE 1"]
    }  # fmt: skip
    run_id = await one(database, "SELECT id FROM pipeline_runs")
    outputs = await rows(database, "SELECT output FROM steps ORDER BY position")
    assert [row["output"]["key"] for row in outputs] == [f"{run_id}:{key}" for key in ("one", "two", "three")]


async def test_each_step_is_visible_while_it_runs(database: Database, app: App) -> None:
    """Its start is committed before the stage begins its work."""

    async def look(_: StageContext) -> None:
        assert (await run_state(database))["steps"] == ["DONE 1", "RUNNING 1"]

    deal_id = await deal_with(database, "one", "two")
    await runner(database, app, stage("one"), stage("two", look)).process(deal_id)
    assert (await run_state(database))["status"] == "DONE"


async def test_what_may_pass_is_tried_again_later(database: Database, app: App) -> None:
    """RETRYING, with a job for the time of the next attempt; the attempt's traceback is kept."""

    async def fail(_: StageContext) -> None:
        raise TransientCrmError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    await runner(database, app, stage("one", fail)).process(deal_id)
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


async def test_the_last_attempt_fails_the_run(database: Database, app: App) -> None:
    """As many attempts as the stage's policy has, then FAILED with the error in words."""

    async def fail(_: StageContext) -> None:
        raise TransientCrmError("HubSpot answered 502.")

    policy = RetryPolicy(attempts=3, first_seconds=0, longest_seconds=0)
    deal_id = await deal_with(database, "one")
    subject = runner(database, app, stage("one", fail, retry=policy))
    for _ in range(3):
        await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "FAILED", "reason": None, "deal": "FAILED", "stage": "one", "steps": ["FAILED 3"]
    }  # fmt: skip
    assert await one(database, "SELECT error_message FROM steps") == "HubSpot answered 502."
    assert await one(database, "SELECT count(*) FROM step_attempts") == 3


@pytest.mark.parametrize(
    ("error", "status", "reason", "step"),
    [
        (StageFailed("Refused by a rule.", RunReason.NEEDS_ATTENTION), "FAILED", "NEEDS_ATTENTION", "FAILED 1"),
        (ZeroDivisionError("division by zero"), "FAILED", None, "FAILED 1"),
        (SkipRun(RunReason.ARCHIVED, "Archived in HubSpot."), "SKIPPED", "ARCHIVED", "SKIPPED 1"),
    ],
)
async def test_what_cannot_pass_ends_the_run_at_once(
    database: Database, app: App, error: Exception, status: str, reason: str | None, step: str
) -> None:
    """No attempt is wasted on it, and the stages behind it are not begun."""

    async def fail(_: StageContext) -> None:
        raise error

    deal_id = await deal_with(database, "one", "two")
    await runner(database, app, stage("one", fail), stage("two")).process(deal_id)
    assert await run_state(database) == {
        "status": status, "reason": reason, "deal": status, "stage": "one", "steps": [step]
    }  # fmt: skip


async def test_a_stage_that_takes_too_long_is_ended(database: Database, app: App) -> None:
    """Its time-out is an error that may pass, told in words."""

    async def hang(_: StageContext) -> None:
        await asyncio.Event().wait()

    deal_id = await deal_with(database, "one")
    await runner(database, app, stage("one", hang, timeout_seconds=0.05)).process(deal_id)
    assert (await run_state(database))["status"] == "RETRYING"
    assert await one(database, "SELECT error_message FROM steps") == "One took longer than 0.05 s."


async def test_a_run_with_a_stage_of_another_release_is_parked(database: Database, app: App) -> None:
    """With that reason, before anything is done."""
    deal_id = await deal_with(database, "one", "enrich")
    await runner(database, app, stage("one")).process(deal_id)
    assert await run_state(database) == {
        "status": "FAILED", "reason": "BLOCKED_BY_UNKNOWN_STAGE", "deal": "FAILED", "stage": None, "steps": []
    }  # fmt: skip


async def test_a_draining_worker_gives_its_runs_back_between_stages(database: Database, app: App) -> None:
    """The present stage ends, the run is QUEUED with a job, and the next worker goes on behind that stage."""
    ran: list[str] = []

    async def note(context: StageContext) -> None:
        ran.append(context.idempotency_key.split(":")[1])
        subject.drain()

    stages = (stage("one", note), stage("two", note))
    subject = runner(database, app, *stages)
    deal_id = await deal_with(database, "one", "two")
    await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["DONE 1"]
    }  # fmt: skip
    jobs = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id AND j.status = 'todo'"
    assert await one(database, jobs) == 1
    await runner(database, app, *stages).process(deal_id)
    assert ran == ["one", "two"]
    assert (await run_state(database))["status"] == "DONE"


async def test_an_interrupted_stage_goes_back_to_the_queue(database: Database, app: App) -> None:
    """When its grace is over; the attempt is kept, the stage waits for the next one."""
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    deal_id = await deal_with(database, "one")
    task = asyncio.create_task(runner(database, app, stage("one", hang)).process(deal_id))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts") == "Interrupted"


async def test_losing_the_lease_ends_the_stage(database: Database, app: App) -> None:
    """The run is another worker's now: the stage is cancelled and nothing is written to the run."""
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    deal_id = await deal_with(database, "one")
    task = asyncio.create_task(runner(database, app, stage("one", hang), lease_seconds=0.6).process(deal_id))
    await begun.wait()
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' RETURNING id")
    assert await reap(database) == 1
    async with asyncio.timeout(5):
        await task
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip


async def test_a_long_stage_keeps_its_lease(database: Database, app: App) -> None:
    """The lease is renewed for as long as the stage runs."""
    leases: list[Any] = []

    async def wait_for_renewals(_: StageContext) -> None:
        while len(set(leases)) < 3:
            leases.append(await one(database, "SELECT lease_until FROM pipeline_runs"))

    deal_id = await deal_with(database, "one")
    await runner(database, app, stage("one", wait_for_renewals), lease_seconds=0.6).process(deal_id)
    assert (await run_state(database))["status"] == "DONE"


async def test_a_second_delivery_does_nothing(database: Database, app: App) -> None:
    """Twenty copies of a job: the stage is run once."""
    ran: list[int] = []

    async def note(context: StageContext) -> None:
        ran.append(context.run_id)

    deal_id = await deal_with(database, "one")
    subject = runner(database, app, stage("one", note))
    await asyncio.gather(*(subject.process(deal_id) for _ in range(20)))
    assert len(ran) == 1


async def test_a_run_taken_over_does_not_run_finished_stages_again(database: Database, app: App) -> None:
    """The worker died in the second stage; the next one begins with the second."""
    lease = await running_deal(database)
    ran: list[str] = []

    async def note(context: StageContext) -> None:
        ran.append(context.idempotency_key.split(":")[1])

    await expire(database, lease)
    await runner(database, app, *(stage(key, note) for key in lease.stages)).process(lease.deal_id)
    assert ran == list(lease.stages)
    assert await rows(database, "SELECT attempts FROM steps WHERE position = 0") == [{"attempts": 2}]
