"""Sessions in the database: cached for five seconds, valid for eight hours."""

from sqlalchemy import text

from api.session.sessions import Sessions
from core.database import Database
from resolvers.viewer import Role, Viewer
from tests import factories
from tests.api.session.manual_clock import ManualClock

ADA = Viewer("ada", Role.OPERATOR)


async def test_a_session_is_looked_up_once_in_five_seconds(database: Database) -> None:
    """Polling costs no statement; a session that another process ended is accepted for at most that long."""
    clock = ManualClock()
    sessions = Sessions(database, clock)
    secret = await sessions.begin(ADA)
    assert await sessions.find(secret) == ADA
    await database.run(text("DELETE FROM sessions"))
    clock.seconds = 104.9
    assert await sessions.find(secret) == ADA
    clock.seconds = 105.0
    assert await sessions.find(secret) is None


async def test_a_session_lasts_eight_hours(database: Database) -> None:
    """However often it is used; then its cookie is not accepted any more."""
    sessions = Sessions(database, ManualClock())
    old = await sessions.begin(ADA)
    assert await factories.one(database, "SELECT expires_at - created_at = interval '8 hours' FROM sessions")
    await database.run(text("UPDATE sessions SET expires_at = now()"))
    assert await sessions.find(old) is None
