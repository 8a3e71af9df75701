"""The base class of RunStore's parts: the database, and the duration of a lease."""

from core.database import Database


class RunStatements:
    """Each subclass holds one part of the statements; store.py combines them."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        """A lease that is not renewed expires after `lease_seconds` (LEASE_SECONDS)."""
        self._database = database
        self.lease_seconds = lease_seconds
