"""What a start asks of the server: its encoding, its release, that it may be written to, and no pooler that shares it.

psycopg asks, which sends these statements without preparing them: a pooler that shares connections confuses prepared
statements. It also shows that the second driver can connect.
"""

import asyncio
from typing import Any, LiteralString, NamedTuple

import psycopg

from core.address import Address
from core.error_text import line
from core.errors import ConfigurationError, DatabaseUnavailable
from core.refusals import STATEMENT_POOL, TRANSACTION_POOL, refusal

OLDEST_MAJOR = 15
ENCODING = "UTF8"
# A silent network must not hold up a start without a word. Of a pool whose connections are all used, another one comes
# late or never.
ANSWER_SECONDS = 5
# How often the first connection is asked again which backend it has; other clients use the pool as well.
TIMES = 5

# Of the server process: several servers may have processes of the same number.
_BACKEND: LiteralString = "pg_backend_pid() || ' ' || pg_postmaster_start_time()"
_SERVER: LiteralString = f"""
SELECT current_setting('server_encoding'), current_setting('server_version'),
       current_setting('server_version_num')::int / 10000, pg_is_in_recovery(),
       pg_backend_pid(), {_BACKEND}, current_user, current_schema(),
       (SELECT bool_and(has_table_privilege(t.oid, p)) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p,
        unnest(ARRAY[to_regclass('alembic_version'), to_regclass('deals')]) AS t (oid) WHERE t.oid IS NOT NULL),
       current_schema() IS NOT NULL AND has_schema_privilege(current_schema(), 'CREATE')
"""  # noqa: S608 - constants of ours

Connection = psycopg.AsyncConnection[Any]
Cursor = psycopg.AsyncCursor[Any]


class ServerState(NamedTuple):
    encoding: str
    version: str
    major: int
    is_standby: bool
    process: int
    backend: str
    role: str
    schema: str | None
    # None when there are no tables yet.
    may_use: bool | None
    may_create: bool


async def check_server(address: Address, *, creates: bool = False) -> None:
    """ConfigurationError when only a person can change what is wrong, DatabaseUnavailable when it may pass.

    `creates`: the tables are created if there are none.
    """
    try:
        async with await _connected(address) as connection:
            found = ServerState(*await _row(connection, _SERVER))
            _check(found)
            _check_rights(found, creates=creates)
            # A pooler invents the number that its client is given.
            if connection.info.backend_pid != found.process:
                await _check_pooler(address, connection, found.backend)
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"psycopg gets no answer: {line(error)}") from error


def _check(found: ServerState) -> None:
    if found.encoding != ENCODING:
        raise ConfigurationError(
            f"DATABASE_URL: the database's encoding is {found.encoding}, and Deal Queue needs {ENCODING}; "
            f"create another one with CREATE DATABASE name TEMPLATE template0 ENCODING '{ENCODING}'."
        )
    if found.major < OLDEST_MAJOR:
        raise ConfigurationError(
            f"DATABASE_URL: the server is PostgreSQL {found.version}, and Deal Queue needs {OLDEST_MAJOR} or later."
        )
    if found.is_standby:
        raise DatabaseUnavailable("the server is a standby, which can only be read; Deal Queue needs the primary")


def _check_rights(found: ServerState, *, creates: bool) -> None:
    role = found.role
    if found.may_use is False:
        raise ConfigurationError(
            f"DATABASE_URL: the role {role} may not use the tables of Deal Queue; use the role that created them, or "
            f"allow it with GRANT ALL ON ALL TABLES IN SCHEMA {found.schema} TO {role}."
        )
    if not creates or found.may_use or found.may_create:
        return
    if found.schema is None:
        raise ConfigurationError("DATABASE_URL: the role's search_path names no schema that exists; create one.")
    raise ConfigurationError(
        f"DATABASE_URL: the role {role} may not create tables in the schema {found.schema}; "
        f"allow it with GRANT CREATE ON SCHEMA {found.schema} TO {role}."
    )


async def _check_pooler(address: Address, first: Connection, backend: str) -> None:
    """ConfigurationError when two of its clients that are both connected have the same server process.

    In session mode they never do: a client keeps the process that it was given.
    """
    async with await _connected(address) as second:
        try:
            await _answer(second, "BEGIN", "the connection pooler has no second connection; raise its pool size")
        except psycopg.Error as error:
            if refusal(error) == STATEMENT_POOL:
                raise ConfigurationError(f"DATABASE_URL: {STATEMENT_POOL}.") from error
            raise
        other = (await _row(second, f"SELECT {_BACKEND}"))[0]
        await _answer(second, "ROLLBACK")
    own = [(await _row(first, f"SELECT {_BACKEND}"))[0] for _ in range(TIMES)]
    if other == backend or any(found != backend for found in own):
        raise ConfigurationError(f"DATABASE_URL: {TRANSACTION_POOL}.")


async def _connected(address: Address) -> Connection:
    return await Connection.connect(address.libpq(), autocommit=True)


async def _row(connection: Connection, statement: LiteralString) -> tuple[Any, ...]:
    return tuple(await (await _answer(connection, statement)).fetchone() or ())


async def _answer(connection: Connection, statement: LiteralString, problem: str = "no answer in time") -> Cursor:
    asking = asyncio.create_task(connection.execute(statement))
    if not (await asyncio.wait({asking}, timeout=ANSWER_SECONDS))[0]:
        connection.pgconn.finish()  # else psycopg would wait as long again for the end of the statement
        asking.cancel()
        raise DatabaseUnavailable(problem)
    return await asking
