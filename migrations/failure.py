"""Why a migration failed, in a sentence, and whether the same command may succeed later."""

from core.error_text import driver_error, line
from core.errors import DealQueueError

# By SQLSTATE. A restart without a change cannot succeed.
_REFUSED = {
    "42501": "The role of DATABASE_URL must own the tables, and may create tables in their schema.",
    "25006": "The database is read-only: a migration needs the primary.",
    "28000": "",
    "28P01": "",
    "3D000": "",
}
_MAY_SUCCEED = {
    "55P03": "A longer transaction uses the table: run the migration again when it has ended.",
    "53100": "The disk of the database is full.",
}
_ADVICE = _REFUSED | _MAY_SUCCEED


class MigrationFailed(DealQueueError):
    """A revision failed; the message says why, and what is left of it."""

    def __init__(self, sentence: str, error: Exception) -> None:
        super().__init__(sentence)
        self.is_refused = _sqlstate(error) in _REFUSED


def reason_of(error: Exception) -> str:
    """The server's own words, without the statement; and what to do, where that is known."""
    words = line(error).removesuffix(".")
    return " ".join(filter(None, (f"{words}.", _ADVICE.get(_sqlstate(error) or ""))))


def _sqlstate(error: Exception) -> str | None:
    found: str | None = getattr(driver_error(error), "sqlstate", None)
    return found
