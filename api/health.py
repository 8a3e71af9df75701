"""/healthz: the process is running. /readyz: its database can be written and is at the revision of this release."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from api.responses import JsonResponse
from core.clock import Clock, SystemClock
from core.database import Database, check_revision
from core.errors import DatabaseNotReady, DatabaseReadOnly, DatabaseUnavailable
from core.unavailable import answer_within

# /readyz needs no credential; the database is queried no more often than this.
FRESH_SECONDS = 1.0
DEADLINE_SECONDS = 2.0


async def alive(_: Request) -> Response:
    return JsonResponse({"status": "alive"})


class Readiness:
    def __init__(self, database: Database, *, revision: str, clock: Clock | None = None) -> None:
        self._database = database
        self._revision = revision
        self._clock = clock or SystemClock()
        self._checking = asyncio.Lock()
        self._checked_at: float | None = None
        self._reason: str | None = None

    async def show(self, _: Request) -> Response:
        reason = await self._reason_if_not_ready()
        if reason is None:
            return JsonResponse({"status": "ready"})
        return JsonResponse({"status": "waiting", "reason": reason}, status_code=503)

    async def _reason_if_not_ready(self) -> str | None:
        async with self._checking:
            now = self._clock.monotonic()
            if self._checked_at is None or now - self._checked_at >= FRESH_SECONDS:
                self._reason = await self._check()
                self._checked_at = now
            return self._reason

    async def _check(self) -> str | None:
        try:
            async with answer_within(DEADLINE_SECONDS):
                await check_revision(self._database, self._revision)
        except DatabaseReadOnly:
            return "The database accepts no writes: its server is a standby, or read-only."
        except DatabaseUnavailable:
            return "The database does not answer."
        except DatabaseNotReady as error:
            return str(error)
        return None
