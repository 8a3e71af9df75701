"""Wake-ups that are lost: each comes between the queue's answer that it is empty and the worker's reading of it."""

from typing import Any

from procrastinate import App
from procrastinate.jobs import Job
from procrastinate.worker import Worker

# What a worker says whose queue was empty, before it has the answer.
ASKED = "queue.was_empty"


def lose_wake_ups(app: App, worker: Worker) -> None:
    """From now on an answer without a job reaches this worker only after the next wake-up, which it then forgets."""
    manager, fetch = app.job_manager, app.job_manager.fetch_job

    async def fetch_slowly(**options: Any) -> Job | None:
        job = await fetch(**options)
        if job is None and options["worker_id"] == worker.worker_id:
            print(ASKED, flush=True)
            await worker._new_job_event.wait()
        return job

    setattr(manager, "fetch_job", fetch_slowly)  # noqa: B010 - mypy takes no other method in its place
