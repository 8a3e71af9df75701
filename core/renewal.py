"""When the connections of a process are replaced: at a greatest age, or once a server has refused to write.

A connection to a server that has become a standby, or that a name or an address no longer leads to, still answers.
"""

import random
import time
from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

# After a change of address, all connections lead to the new one within this time.
GREATEST_AGE_SECONDS = 600.0
# Processes that were started together must not connect together for ever.
_YOUNGEST = 0.8


class Renewal:
    """Counts generations of connections: one of an earlier generation is replaced before it is used again."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seconds = GREATEST_AGE_SECONDS * random.uniform(_YOUNGEST, 1)  # noqa: S311 - no secret
        self._began_at = monotonic()
        self._generation = 0

    @property
    def generation(self) -> int:
        """Which a connection that is made now belongs to."""
        if self._monotonic() - self._began_at > self._seconds:
            self.demand()
        return self._generation

    def demand(self) -> None:
        """Replace every connection that exists now."""
        self._generation += 1
        self._began_at = self._monotonic()

    def renew_those_of(self, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "checkout", self._check)

    def _check(self, _connection: object, entry: ConnectionPoolEntry, _proxy: object) -> None:
        generation = self.generation
        if entry.info.setdefault("generation", generation) != generation:
            raise DisconnectionError("older than the greatest age, or than a refusal to write")
