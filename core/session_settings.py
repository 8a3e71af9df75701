"""What each session with PostgreSQL is set to, whatever its server, database or role says.

Pinned is what changes rows that we read or write, and what can stop us. What only costs or saves time (memory, the
planner, logging) is left to the operator; docs/decisions/0018 has the reasons, and a test asks about each setting.

The values are sent with set_config after the connection is made: a pooler refuses most startup parameters.
"""

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection

from core import connecting
from core.address import Address

LOCK_TIMEOUT_MILLISECONDS = 5_000
# A process that is frozen inside a transaction must not keep its locks: the server ends the session.
IDLE_IN_TRANSACTION_MILLISECONDS = 10_000

# The value of each setting, and behind it other values that are left as they are. One that this server does not know
# is skipped.
PINNED: Mapping[str, tuple[str, ...]] = {
    # Text that drivers and statements parse or make.
    "client_encoding": ("UTF8",),
    "DateStyle": ("ISO, MDY",),
    "IntervalStyle": ("postgres",),
    "TimeZone": ("UTC",),
    "extra_float_digits": ("1",),
    "bytea_output": ("hex",),
    # What a statement means.
    "standard_conforming_strings": ("on",),
    "backslash_quote": ("safe_encoding",),
    "array_nulls": ("on",),
    "transform_null_equals": ("off",),
    "gin_fuzzy_search_limit": ("0",),
    "restrict_nonsystem_relation_kind": ("",),
    # Only a superuser may set it, and is asked to only if it is something else: foreign keys would not be checked.
    "session_replication_role": ("origin",),
    # Transactions. The other values of synchronous_commit say which servers a commit waits for.
    "default_transaction_isolation": ("read committed",),
    "default_transaction_read_only": ("off",),
    "default_transaction_deferrable": ("off",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    # What can end a statement or a session: each process has limits of its own.
    "statement_timeout": ("0",),
    "transaction_timeout": ("0",),
    "idle_session_timeout": ("0",),
    "lock_timeout": (f"{LOCK_TIMEOUT_MILLISECONDS // 1_000}s",),
    "idle_in_transaction_session_timeout": (f"{IDLE_IN_TRANSACTION_MILLISECONDS // 1_000}s",),
    "exit_on_error": ("off",),
}


class SessionSettings:
    """Of one process: the same for all connections of all of its drivers."""

    def __init__(self, **changes: str) -> None:
        """`changes` are values that differ from PINNED."""
        self._pinned = dict(PINNED) | {name: (value,) for name, value in changes.items()}

    @property
    def statement(self) -> str:
        """Sets what is something else; returns the search_path."""
        pinned = ", ".join(
            f"({_literal(name)}, {_literal(values[0])}, ARRAY[{', '.join(map(_literal, values))}])"
            for name, values in self._pinned.items()
        )
        return (
            "SELECT current_setting('search_path') FROM (SELECT count(set_config(p.name, p.value, false)) "  # noqa: S608
            f"FROM (VALUES {pinned}) AS p (name, value, kept) "
            "WHERE current_setting(p.name, true) <> ALL (p.kept)) AS done"
        )

    async def connect(self, address: Address, _: None = None, **options: Any) -> Any:
        """As connecting.connect. A pool passes None for the URL that it was not given."""
        connection = await connecting.connect(address, **options)
        try:
            if self._has_search_path:
                await connection.execute(self.statement)
            else:
                # One more round trip, for an answer.
                self._keep_search_path(await connection.fetchval(self.statement))
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def configure(self, connection: AsyncConnection[Any]) -> None:
        """For a new connection of psycopg's, in autocommit mode."""
        found = await (await connection.execute(self.statement.encode())).fetchone()
        self._keep_search_path(found[0] if found else "")

    @property
    def _has_search_path(self) -> bool:
        return "search_path" in self._pinned

    def _keep_search_path(self, found: str) -> None:
        """The first connection decides: an ALTER ROLE must not lead later ones to tables of another schema."""
        self._pinned.setdefault("search_path", (found,))


def _literal(value: str) -> str:
    """Read the same with every value of standard_conforming_strings and backslash_quote."""
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
