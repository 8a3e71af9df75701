"""The base class of RunStore's parts: the database, the duration of a lease, and walks through what waits."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from core.database import Database

# So many rows are checked in one call, however many wait: tens of milliseconds.
WINDOW = 20_000
# Greater than every id.
LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Walk:
    """Rows that are checked in turn, a window in each call.

    `rows` is a SELECT with a condition, without an order: of rows that an index has in the order of their ids.
    """

    name: str
    rows: str

    @property
    def window(self) -> str:
        """SQL for the rows of one window, with the parameters `after` and `window`."""
        return f"{self.rows} AND id > :after ORDER BY id LIMIT :window"


class RunStatements:
    """Each subclass holds one part of the statements; store.py combines them."""

    def __init__(
        self, database: Database, *, lease_seconds: float, positions: MutableMapping[str, Any] | None = None
    ) -> None:
        """A lease that is not renewed expires after `lease_seconds` (LEASE_SECONDS).

        `positions` keeps how far each walk has come; the stores of one process share it.
        """
        self._database = database
        self.lease_seconds = lease_seconds
        self._positions = {} if positions is None else positions

    async def _next_window(self, walk: Walk) -> dict[str, int]:
        """The parameters of the window to check now: behind that of the last call, and after the end from the first."""
        window = {"after": self._positions.get(walk.name, 0), "window": WINDOW}
        statement = text(f"SELECT count(*) AS n, max(id) AS last FROM ({walk.window}) AS w")
        found = (await self._database.run(statement, window))[0]
        self._positions[walk.name] = 0 if found.n < WINDOW else found.last
        return window
