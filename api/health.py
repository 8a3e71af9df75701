"""/healthz: the process runs. /readyz: it can answer, because its database is there and is of this release."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from api.responses import JsonAnswer
from core.clock import Clock, SystemClock
from core.database import Database

# Anyone may ask; the database is asked no more often than this.
FRESH_SECONDS = 1.0
DEADLINE_SECONDS = 2.0

_REVISION = text("SELECT version_num FROM alembic_version")


async def alive(_: Request) -> Response:
    return JsonAnswer({"status": "alive"})


class Readiness:
    def __init__(self, database: Database, *, revision: str, clock: Clock | None = None) -> None:
        self._database = database
        self._revision = revision
        self._clock = clock or SystemClock()
        self._asking = asyncio.Lock()
        self._asked: float | None = None
        self._reason: str | None = None

    async def show(self, _: Request) -> Response:
        reason = await self._why_not()
        if reason is None:
            return JsonAnswer({"status": "ready"})
        return JsonAnswer({"status": "waiting", "reason": reason}, status_code=503)

    async def _why_not(self) -> str | None:
        async with self._asking:
            now = self._clock.monotonic()
            if self._asked is None or now - self._asked >= FRESH_SECONDS:
                self._reason = await self._ask()
                self._asked = now
            return self._reason

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                rows = await self._database.run(_REVISION)
        except (OSError, SQLAlchemyError):
            return "The database does not answer, or has no tables yet."
        found = rows[0].version_num if rows else "none"
        if found == self._revision:
            return None
        return f"The database is at revision {found}; this release needs {self._revision}."
