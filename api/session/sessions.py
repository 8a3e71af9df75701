"""Signed-in browsers and the codes that sign them in, in the database: hashes only, and by the database's clock."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select

from api.session.digest import digest, new_secret
from core.clock import Clock, SystemClock
from core.database import Database
from models import metadata
from resolvers.viewer import Role, Viewer

SESSION_LIFETIME = timedelta(hours=8)
CODE_LIFETIME = timedelta(minutes=10)
# A session that another process ended is believed for so long at most.
BELIEVED_SECONDS = 5.0
# Browsers, not people; a full memory is emptied.
REMEMBERED = 10_000

sessions, codes = metadata.tables["sessions"], metadata.tables["sign_in_codes"]

_FIND = select(sessions.c.name, sessions.c.role).where(
    sessions.c.id_hash == bindparam("id_hash"), sessions.c.expires_at > func.now()
)
_END = delete(sessions).where(sessions.c.id_hash == bindparam("hashed"))
_REDEEM = (
    delete(codes)
    .where(codes.c.code_hash == bindparam("hashed"), codes.c.expires_at > func.now())
    .returning(codes.c.name, codes.c.role)
)
_BEGIN = insert(sessions).values(expires_at=func.now() + SESSION_LIFETIME)
_OFFER = insert(codes).values(expires_at=func.now() + CODE_LIFETIME)


class Sessions:
    """What is looked up is remembered for five seconds: a page that polls costs no statement a poll."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._known: dict[bytes, tuple[float, Viewer]] = {}

    async def find(self, secret: str) -> Viewer | None:
        """Who is signed in by this cookie; None when nobody is (any more)."""
        hashed, now = digest(secret), self._clock.monotonic()
        seen, viewer = self._known.get(hashed, (-BELIEVED_SECONDS, None))
        if viewer is not None and now - seen < BELIEVED_SECONDS:
            return viewer
        self._known.pop(hashed, None)
        rows = await self._database.run(_FIND, {"id_hash": hashed})
        return self._remember(hashed, now, _viewer(rows[0])) if rows else None

    def _remember(self, hashed: bytes, now: float, viewer: Viewer) -> Viewer:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[hashed] = (now, viewer)
        return viewer

    async def begin(self, viewer: Viewer) -> str:
        """A new session of eight hours; what its cookie holds."""
        secret = new_secret()
        await self._database.run(_BEGIN, {"id_hash": digest(secret), **_columns(viewer)})
        return secret

    async def end(self, secret: str) -> None:
        hashed = digest(secret)
        self._known.pop(hashed, None)
        await self._database.run(_END, {"hashed": hashed})

    async def redeem(self, code: str) -> Viewer | None:
        """Whom the code signs in; it is gone afterwards. None for one that is unknown, used or too old."""
        rows = await self._database.run(_REDEEM, {"hashed": digest(code)})
        return _viewer(rows[0]) if rows else None

    async def offer(self, viewer: Viewer) -> str:
        """A new code, to be used once within ten minutes."""
        code = new_secret()
        await self._database.run(_OFFER, {"code_hash": digest(code), **_columns(viewer)})
        return code


def _viewer(row: Row[Any]) -> Viewer:
    return Viewer(row.name, Role(row.role))


def _columns(viewer: Viewer) -> dict[str, str]:
    return {"name": viewer.name, "role": viewer.role}
