"""Browser sessions and sign-in codes in the database: digests only, expiring by the database's clock."""

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
# A session that another process ended is accepted for at most this long.
CACHE_SECONDS = 5.0
# At this many, the whole cache is dropped.
MAX_CACHED = 10_000

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
_CREATE_CODE = insert(codes).values(expires_at=func.now() + CODE_LIFETIME)


class Sessions:
    """Caches look-ups for five seconds: a polling page costs no statement per poll."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._cache: dict[bytes, tuple[float, Viewer]] = {}

    async def find(self, secret: str) -> Viewer | None:
        """The viewer whom this cookie signs in; None if the session does not exist, or has expired."""
        hashed, now = digest(secret), self._clock.monotonic()
        read_at, viewer = self._cache.get(hashed, (-CACHE_SECONDS, None))
        if viewer is not None and now - read_at < CACHE_SECONDS:
            return viewer
        self._cache.pop(hashed, None)
        rows = await self._database.run(_FIND, {"id_hash": hashed})
        if not rows:
            return None
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        found = _viewer(rows[0])
        self._cache[hashed] = (now, found)
        return found

    async def begin(self, viewer: Viewer) -> str:
        """Start a session of eight hours; returns the cookie's value."""
        secret = new_secret()
        await self._database.run(_BEGIN, {"id_hash": digest(secret), **_columns(viewer)})
        return secret

    async def end(self, secret: str) -> None:
        hashed = digest(secret)
        self._cache.pop(hashed, None)
        await self._database.run(_END, {"hashed": hashed})

    async def redeem(self, code: str) -> Viewer | None:
        """Use the code up; returns the viewer whom it signs in, None if it is unknown, used or expired."""
        rows = await self._database.run(_REDEEM, {"hashed": digest(code)})
        return _viewer(rows[0]) if rows else None

    async def create_code(self, viewer: Viewer) -> str:
        """Create a code, valid once within ten minutes."""
        code = new_secret()
        await self._database.run(_CREATE_CODE, {"code_hash": digest(code), **_columns(viewer)})
        return code


def _viewer(row: Row[Any]) -> Viewer:
    return Viewer(row.name, Role(row.role))


def _columns(viewer: Viewer) -> dict[str, str]:
    return {"name": viewer.name, "role": viewer.role}
