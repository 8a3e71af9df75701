"""What every part of RunStore has: the database, and how long a lease lasts."""

from core.database import Database


class RunStatements:
    """The statements of one part each: see store.py for the whole."""

    def __init__(self, database: Database, *, lease_seconds: float) -> None:
        """`lease_seconds` is how long a run stays with a worker that does not renew its lease (LEASE_SECONDS)."""
        self._database = database
        self.lease_seconds = lease_seconds
