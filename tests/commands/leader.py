"""Another scheduler that leads, in a thread of the test: it serves the requests of the commands."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from crm.budget.shared import SharedBudget
from crm.client import HubSpot
from scheduler.context import JobContext
from scheduler.jobs import JOBS
from tests.scheduler.contexts import leading_context

PAUSE_SECONDS = 0.02

Serve = Callable[[JobContext], Awaitable[object]]


async def serve(context: JobContext) -> None:
    """As the leading scheduler does it every two seconds."""
    for job in JOBS:
        if job.name.startswith("requested "):
            await job.run(context)


async def serve_as_an_earlier_release(context: JobContext) -> None:
    """It only marks the request as taken."""
    await context.database.run(text("UPDATE controls SET taken_at = requested_at"))


@contextmanager
def leading(environment: Mapping[str, str], serving: Serve = serve, *, before: Serve | None = None) -> Iterator[None]:
    """It leads when the block begins, and has done `before`; it serves until the block ends."""
    ready, stop = threading.Event(), threading.Event()

    async def lead() -> None:
        database = Database.connect(environment["DATABASE_URL"], name="leader", pool_size=12)
        token = SecretStr(environment["HUBSPOT_TOKEN"])
        # Of the leader before it, which has ended without a word.
        await database.run(text("DELETE FROM leases"))
        async with HubSpot(environment["HUBSPOT_BASE_URL"], lambda: token, SharedBudget(database)) as client:
            context = await leading_context(database, client, backfill_process="all")
            if before is not None:
                await before(context)
            ready.set()
            while not stop.is_set():
                await serving(context)
                await asyncio.sleep(PAUSE_SECONDS)
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(lead()))
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        stop.set()
        thread.join()
