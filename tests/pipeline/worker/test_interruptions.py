"""Interrupted, taken over or delivered twice, a run repeats no stage that has ended, and loses nothing."""

import asyncio
from typing import Any

import pytest

from core.database import Database
from pipeline.stages.stage import StageContext
from tests.factories import expire, one, rows, run_store, running_deal
from tests.pipeline.staging import Hanging, deal_with, run_state, runner, stage


async def test_a_draining_worker_requeues_its_runs_between_stages(database: Database) -> None:
    """The current stage ends, the run is QUEUED with a job, and the next worker continues after that stage."""
    ran: list[str] = []

    async def note(context: StageContext) -> None:
        ran.append(context.idempotency_key.split(":")[1])
        subject.drain()

    stages = (stage("one", note), stage("two", note))
    subject = runner(database, *stages)
    deal_id = await deal_with(database, "one", "two")
    await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["DONE 1"]
    }  # fmt: skip
    jobs = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id AND j.status = 'todo'"
    assert await one(database, jobs) == 1
    await runner(database, *stages).process(deal_id)
    assert ran == ["one", "two"]
    assert (await run_state(database))["status"] == "DONE"


async def test_an_interrupted_run_is_requeued(database: Database) -> None:
    """When the grace period ends; the attempt is kept, and the stage waits for the next one."""
    hang = Hanging()
    deal_id = await deal_with(database, "one")
    task = asyncio.create_task(runner(database, stage("one", hang)).process(deal_id))
    await hang.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts") == "Interrupted"


async def test_losing_the_lease_ends_the_stage(database: Database) -> None:
    """The run is another worker's now: the stage is cancelled and nothing is written to the run."""
    hang = Hanging()
    deal_id = await deal_with(database, "one")
    task = asyncio.create_task(runner(database, stage("one", hang), lease_seconds=0.6).process(deal_id))
    await hang.begun.wait()
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' RETURNING id")
    assert await run_store(database).reap() == 1
    async with asyncio.timeout(5):
        await task
    assert await run_state(database) == {
        "status": "QUEUED", "reason": None, "deal": "QUEUED", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip


async def test_a_long_stage_keeps_its_lease(database: Database) -> None:
    """The lease is renewed for as long as the stage runs."""
    leases: list[Any] = []

    async def wait_for_renewals(_: StageContext) -> None:
        while len(set(leases)) < 3:
            leases.append(await one(database, "SELECT lease_until FROM pipeline_runs"))

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", wait_for_renewals), lease_seconds=0.6).process(deal_id)
    assert (await run_state(database))["status"] == "DONE"


async def test_a_second_delivery_does_nothing(database: Database) -> None:
    """Twenty copies of a job: the stage is run once."""
    ran: list[int] = []

    async def note(context: StageContext) -> None:
        ran.append(context.run_id)

    deal_id = await deal_with(database, "one")
    subject = runner(database, stage("one", note))
    await asyncio.gather(*(subject.process(deal_id) for _ in range(20)))
    assert len(ran) == 1


async def test_a_run_taken_over_does_not_run_finished_stages_again(database: Database) -> None:
    """The worker died in the second stage; the next one begins with the second."""
    lease = await running_deal(database)
    ran: list[str] = []

    async def note(context: StageContext) -> None:
        ran.append(context.idempotency_key.split(":")[1])

    await expire(database, lease)
    await runner(database, *(stage(key, note) for key in lease.stages)).process(lease.deal_id)
    assert ran == list(lease.stages)
    assert await rows(database, "SELECT attempts FROM steps WHERE position = 0") == [{"attempts": 2}]
