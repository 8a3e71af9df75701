"""A queue that a worker with the real stages and a client of HubSpot's works through when a test says so."""

import asyncio
from typing import Any

from procrastinate import App
from pydantic import SecretStr

from core.database import Database
from models.conditions import QUEUE
from sandbox import SANDBOX_TOKEN
from tests.factories import rows

STATE = """
SELECT r.status, d.status AS deal, r.reason, d.current_stage AS stage, s.status AS step, s.error_type AS error,
       s.error_message AS message, r.next_attempt_at IS NOT NULL AS again
FROM deals d JOIN pipeline_runs r ON r.id = d.latest_run_id
JOIN steps s ON s.run_id = r.id AND s.stage = d.current_stage
"""
# Ends the waits for the next attempt: as long as HubSpot requests, or minutes while the token is rejected.
WAITS = (
    "UPDATE pipeline_runs SET next_attempt_at = now() WHERE next_attempt_at > now() RETURNING id",
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now() RETURNING id",
)


class Token:
    """The token in the settings, which an admin can change without a restart."""

    value = SANDBOX_TOKEN

    def __call__(self) -> SecretStr:
        return SecretStr(self.value)


class WorkedQueue:
    """A worker that processes what is due, and ends."""

    def __init__(self, app: App, database: Database) -> None:
        self._app = app
        self._database = database

    async def work(self) -> None:
        await self._app.run_worker_async(
            queues=[QUEUE], wait=False, delete_jobs="always", install_signal_handlers=False, listen_notify=False
        )

    async def state(self) -> dict[str, Any]:
        """What the page shows of the only deal."""
        return (await rows(self._database, STATE))[0]

    async def pass_time(self) -> None:
        """Let the waits for next attempts end, and the worker run."""
        for wait in WAITS:
            await rows(self._database, wait)
        await self.work()

    async def done(self) -> None:
        """Let time pass and the worker run until the run is DONE; nothing else happens."""
        async with asyncio.timeout(10):
            while (await self.state())["status"] != "DONE":
                await self.pass_time()
