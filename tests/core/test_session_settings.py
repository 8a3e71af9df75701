"""A session of any driver is the same, whatever the server, the database or the role says."""

import re
from collections.abc import Awaitable, Callable, Mapping

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from core.address import Address
from core.database import Database
from core.direct import Statement
from core.errors import ConnectionRejected
from core.session_settings import PINNED
from deploy.postgres import Cluster
from migrations.upgrade import open_engine
from pipeline.queue import make_app
from tests.factories import rows
from tests.hostile import alter
from tests.test_house import ROOT, product_files

# What is not pinned, by PostgreSQL's own names of the categories where all of one has the same reason.
# It costs or saves time, memory or disk, and no row is another for it.
RESOURCES = {
    "Query Tuning / Genetic Query Optimizer",
    "Query Tuning / Planner Cost Constants",
    "Query Tuning / Planner Method Configuration",
    "Query Tuning / Other Planner Options",
    "Resource Usage / Disk",
    "Resource Usage / I/O",
    "Resource Usage / Memory",
    "Resource Usage / Worker Processes",
    "Vacuuming / Cost-Based Vacuum Delay",
    "Vacuuming / Default Behavior",
    "Vacuuming / Freezing",
    "Write-Ahead Log / Settings",
    "Replication / Sending Servers",
    "Connections and Authentication / TCP Settings",
}
# It is written to the server's log or to its statistics.
LOGGING = {
    "Reporting and Logging / Process Title",
    "Reporting and Logging / What to Log",
    "Reporting and Logging / When to Log",
    "Statistics / Cumulative Query and Index Statistics",
    "Statistics / Monitoring",
    "Developer Options",
}
# Single ones: of features that the product does not use, or that hold within one transaction, or for new tables.
UNUSED = {
    *("icu_validation_level", "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "timezone_abbreviations"),
    *("default_text_search_config", "xmlbinary", "xmloption", "lo_compat_privileges", "quote_all_identifiers"),
    *("dynamic_library_path", "extension_control_path", "local_preload_libraries", "session_preload_libraries"),
    *("check_function_bodies", "createrole_self_grant", "event_triggers", "row_security"),
    *("password_encryption", "scram_iterations", "md5_password_warnings"),
    *("client_min_messages", "escape_string_warning", "synchronize_seqscans", "deadlock_timeout"),
    *("transaction_deferrable", "transaction_isolation", "transaction_read_only"),
    *("default_table_access_method", "default_tablespace", "temp_tablespaces", "default_toast_compression"),
    "gin_pending_list_limit",
}

SHOWN = f"SELECT name, current_setting(name) AS value FROM unnest(ARRAY{[*PINNED, 'search_path']}) AS name"
Session = Callable[[str], Awaitable[Mapping[str, str]]]


async def _of_sqlalchemy(url: str) -> Mapping[str, str]:
    database = Database.connect(url, name="test", pool_size=1)
    found = {row["name"]: row["value"] for row in await rows(database, SHOWN)}
    await database.close()
    return found


async def _of_direct(url: str) -> Mapping[str, str]:
    database = Database.connect(url, name="test", pool_size=1)
    found = {row["name"]: row["value"] for row in await database.fetch(Statement(SHOWN), {})}
    await database.close()
    return found


async def _of_queue(url: str) -> Mapping[str, str]:
    app = make_app(url)
    async with app.open_async():
        found = await app.connector.execute_query_all_async(SHOWN)
    return {row["name"]: row["value"] for row in found}


async def _of_migrations(url: str) -> Mapping[str, str]:
    engine = open_engine(url)
    async with engine.connect() as connection:
        found = {row.name: row.value for row in await connection.execute(text(SHOWN))}
    await engine.dispose()
    # A long index must be built, and waited for.
    limits = {"lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    assert {name: found[name] for name in limits} == limits
    return found | {name: PINNED[name][0] for name in limits}


@pytest.mark.parametrize("session", [_of_sqlalchemy, _of_direct, _of_queue, _of_migrations])
async def test_every_session_has_the_products_settings(session: Session, hostile_url: str) -> None:
    """Of each driver, before its first statement."""
    found = dict(await session(hostile_url))
    assert found.pop("search_path") == '"$user", public'
    assert found == {name: values[0] for name, values in PINNED.items()}


def test_every_setting_is_pinned_or_has_a_reason_not_to_be(cluster: Cluster) -> None:
    """Of those that a role or a database can carry; a new version of PostgreSQL makes this test ask."""
    with psycopg.connect(cluster.url("postgres")) as connection:
        found = connection.execute("SELECT name, category FROM pg_settings WHERE context IN ('user', 'superuser')")
        open_ones = {
            name
            for name, category in found.fetchall()
            if name not in {*PINNED, "search_path"} and category not in RESOURCES | LOGGING and name not in UNUSED
        }
    assert open_ones == set()


async def test_all_connections_keep_the_search_path_of_the_first(cluster: Cluster, database_url: str) -> None:
    """Of each driver of the process: the tables of a process are those that it has found at its start."""
    database = Database.connect(database_url, name="test", pool_size=1)
    await rows(database, "SELECT 1")
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        alter(connection, "DATABASE", Address.of(database_url).database, {"search_path": "elsewhere"})
    shown = "SELECT current_setting('search_path') AS path"
    app = make_app(database_url, settings=database.settings)
    async with app.open_async():
        assert await app.connector.execute_query_all_async(shown) == [{"path": '"$user", public'}]
    assert [dict(row) for row in await database.fetch(Statement(shown), {})] == [{"path": '"$user", public'}]
    await database.close()


async def test_a_setting_that_may_not_be_pinned_refuses_the_connection(cluster: Cluster, database_url: str) -> None:
    """Without its foreign keys the product would store wrong rows; only a superuser can give them back."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE replica LOGIN")
        alter(connection, "ROLE", "replica", {"session_replication_role": "replica"})
    database = Database.connect(database_url.replace("dealqueue@", "replica@"), name="test")
    with pytest.raises(ConnectionRejected, match='permission denied to set parameter "session_replication_role"'):
        await rows(database, "SELECT 1")
    await database.close()
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE replica"))


def test_every_connection_of_the_product_is_pinned() -> None:
    """Each module that opens one uses these settings, or is used by them, or is given the function that does."""
    opens = re.compile(r"\b(psycopg\.connect|asyncpg\.connect|create_pool|create_async_engine|PsycopgConnector)\(")
    found = {str(path.relative_to(ROOT)) for path in product_files() if opens.search(path.read_text())}
    pinned = {name for name in found if "SessionSettings" in (ROOT / name).read_text()}
    others = {"core/connecting.py", "core/direct.py"}
    assert {name for name in found - pinned if not name.startswith("bench/")} == others
