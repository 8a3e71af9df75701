"""Sends NOTIFY at most ten times a second per process, in its own transaction, because NOTIFY serializes commits."""

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
    """Tells listeners to read the tables, and holds nothing that is not there. A lost one only costs time."""

    channel: str
    payload: str = ""


def announce_after(session: AsyncSession, announcement: Announcement) -> None:
    """Announce when the session's transaction has been committed; never when it is rolled back."""
    session.info.setdefault(_KEY, set()).add(announcement)


def announcements_of(session: AsyncSession) -> set[Announcement]:
    found: set[Announcement] = session.info.get(_KEY, set())
    return found


class Announcer:
    """Sends the first of several announcements at once, and the others together at the end of the period."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self._wanted: set[Announcement] = set()
        self._sending: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def announce(self, announcement: Announcement) -> None:
        """Send it soon, in the background. If the process dies before, nothing is sent."""
        self._wanted.add(announcement)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Send the remaining ones at once; do not wait for a database that does not answer."""
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
