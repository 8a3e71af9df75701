"""Counts the statements that are sent to the database: once in SQLAlchemy, once in the driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy import event

from core.database import Database

# Not counted: the pool's check that a connection is alive, and the transaction of that check.
_PING = (";", "BEGIN", "ROLLBACK", "COMMIT")


class CountedStatements:
    def __init__(self) -> None:
        self.by_sqlalchemy: list[str] = []
        self.by_driver: list[str] = []


class StatementCounter:
    """Must be created before the first use of the database, so that it sees every connection."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._counted = CountedStatements()
        engine = database.engine.sync_engine
        event.listen(engine, "connect", self._watch)
        event.listen(engine, "before_cursor_execute", self._note)
        self._watch_prepared(monkeypatch)

    @contextmanager
    def counting(self) -> Iterator[CountedStatements]:
        """The statements sent within the block."""
        self._counted = counted = CountedStatements()
        yield counted
        self._counted = CountedStatements()

    def _watch(self, connection: Any, _: Any) -> None:
        connection.driver_connection.add_query_logger(self._note_plain)

    def _watch_prepared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The driver's own logger does not see the execution of prepared statements."""
        fetch = PreparedStatement.fetch

        async def noted(statement: Any, *args: Any, **options: Any) -> Any:
            self._counted.by_driver.append(statement.get_query())
            return await fetch(statement, *args, **options)

        monkeypatch.setattr(PreparedStatement, "fetch", noted)

    def _note_plain(self, query: LoggedQuery) -> None:
        if not query.query.startswith(_PING):
            self._counted.by_driver.append(query.query)

    def _note(self, _: Any, __: Any, statement: str, *_more: Any) -> None:
        self._counted.by_sqlalchemy.append(statement)
