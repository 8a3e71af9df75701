"""NOTIFY, at most ten times a second per process and in a transaction of its own, because it serializes commits."""

import asyncio
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from core.direct import Direct, Statement
from core.errors import DatabaseUnavailable

log = structlog.get_logger()

PERIOD_SECONDS = 0.1
_CLOSING_SECONDS = 2.0

_NOTIFY = Statement("""
SELECT pg_notify(n.channel, n.payload)
FROM unnest(CAST(:channels AS text[]), CAST(:payloads AS text[])) AS n (channel, payload)
""")
_KEY = "announcements"


class Announcement(NamedTuple):
    """A hint to look: it holds nothing that a listener could not read from the tables. A lost one costs only time."""

    channel: str
    payload: str = ""


def announce_after(session: AsyncSession, announcement: Announcement) -> None:
    """Announce when the session's transaction has been committed; never when it is rolled back."""
    session.info.setdefault(_KEY, set()).add(announcement)


def announcements_of(session: AsyncSession) -> set[Announcement]:
    found: set[Announcement] = session.info.get(_KEY, set())
    return found


class Announcer:
    """The first of several announcements is sent at once, the others together at the end of the period."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self._wanted: set[Announcement] = set()
        self._sending: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def announce(self, announcement: Announcement) -> None:
        """Soon, in the background. A process that dies before has sent nothing."""
        self._wanted.add(announcement)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Send what is left, without waiting for the end of the period nor for a database that does not answer."""
        self._closing.set()
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=_CLOSING_SECONDS)
            self._sending.cancel()

    async def _send(self) -> None:
        while self._wanted:
            wanted, self._wanted = list(self._wanted), set()
            values = {"channels": [one.channel for one in wanted], "payloads": [one.payload for one in wanted]}
            try:
                await self._direct.fetch(_NOTIFY, values)
            except DatabaseUnavailable as error:
                log.warning("database.not_announced", error=str(error))
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(PERIOD_SECONDS):
                await self._closing.wait()
        except TimeoutError:
            return
