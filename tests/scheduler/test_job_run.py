"""One run of a job: it is cancelled when it makes no progress, and its errors end nothing else."""

import asyncio

import pytest
from structlog.testing import capture_logs

from core.database import Database
from scheduler import runtime
from scheduler.context import JobContext
from scheduler.job_run import JobRun
from scheduler.jobs import Job
from scheduler.leadership import LeadershipLost
from tests.scheduler.contexts import job_context
from tests.scheduler.running import SOON, hang, run, stop_me


async def test_a_hanging_job_is_cancelled_and_runs_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After six intervals without progress; a job that reports progress is not cancelled, however long it takes."""
    monkeypatch.setattr(runtime, "SHORTEST_TIMEOUT_SECONDS", 0.3)
    events: list[str] = []

    async def hangs(_: JobContext) -> None:
        await hang(lambda: events.append("cancelled"))

    async def progresses(context: JobContext) -> None:
        for _ in range(10):
            await asyncio.sleep(0.1)
            context.report_progress()
        events.append("progressed")
        stop_me()

    async with asyncio.timeout(20):
        await run(database, [Job("hangs", hangs, lambda _: SOON), Job("progresses", progresses, lambda _: SOON)])
    assert events.count("progressed") == 1
    assert events.index("progressed") >= 2, "cancelled at least twice in the time that the other job took"


async def test_errors_and_a_lost_leadership_end_the_run_and_are_logged(database: Database) -> None:
    """The task itself never fails: the runtime has nothing to handle."""

    async def fails(_: JobContext) -> None:
        raise ValueError("always")

    async def loses(_: JobContext) -> None:
        raise LeadershipLost("This scheduler no longer leads.")

    with capture_logs() as events:
        for job in (Job("fails", fails, lambda _: SOON), Job("loses", loses, lambda _: SOON)):
            await JobRun(job, job_context(database), 10).task
    assert [(event["event"], event["job"]) for event in events] == [
        ("job.failed", "fails"), ("job.leadership_lost", "loses")
    ]  # fmt: skip


async def test_a_run_is_cancelled_once(database: Database) -> None:
    """A second call changes nothing: a job that ignores it is left to the watchdog."""
    cancellations: list[str] = []

    async def hangs(_: JobContext) -> None:
        await hang(lambda: cancellations.append("cancelled"))

    run_of_it = JobRun(Job("hangs", hangs, lambda _: SOON), job_context(database), 10)
    await asyncio.sleep(0)
    run_of_it.cancel()
    run_of_it.cancel()
    await asyncio.wait({run_of_it.task})
    assert run_of_it.is_cancelled
    assert cancellations == ["cancelled"]
