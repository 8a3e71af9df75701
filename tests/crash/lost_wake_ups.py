"""Lost wake-ups: each arrives after the queue has found no job and before the worker has received that answer."""

from typing import Any

from procrastinate import App
from procrastinate.jobs import Job
from procrastinate.worker import Worker

# What a worker logs whose queue was empty, before it receives the answer.
FOUND_EMPTY = "queue.found_empty"


def lose_wake_ups(app: App, worker: Worker) -> None:
    """From now on an answer without a job reaches this worker only after the next wake-up, which it then discards."""
    manager, fetch = app.job_manager, app.job_manager.fetch_job

    async def fetch_slowly(**options: Any) -> Job | None:
        job = await fetch(**options)
        if job is None and options["worker_id"] == worker.worker_id:
            print(FOUND_EMPTY, flush=True)
            await worker._new_job_event.wait()
        return job

    setattr(manager, "fetch_job", fetch_slowly)  # noqa: B010 - mypy takes no other method in its place
