"""A migration that cannot be done says in one sentence why, and what is left; the next one continues."""

import asyncio
import subprocess
import sys
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy import text

from core import logs
from core.database import Database, wait_for_database
from core.entry import configuration_errors
from core.errors import ConfigurationError
from migrations.__main__ import main
from migrations.failure import MigrationFailed, reason_of
from migrations.head import HEAD_REVISION
from migrations.upgrade import migrate

BEFORE = "0015"
INVALID = "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid"
BUILDING = """
SELECT pid, pg_sleep(0.02)::text FROM pg_stat_activity
WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database() AND state = 'active'
"""


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], database_url: str) -> Any:
    """`python -m migrations` in this process: its exit code and what it wrote to standard error."""
    monkeypatch.setattr(logs, "configure", lambda *_: None)

    def run(*arguments: str, url: str = database_url) -> tuple[object, str]:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setattr(sys, "argv", ["migrations", *arguments])
        with pytest.raises(SystemExit) as exited, configuration_errors():
            sys.exit(main())
        return exited.value.code, capfd.readouterr().err

    return run


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_a_database_of_a_later_release_is_refused(run_main: Any, database_url: str) -> None:
    """Whatever is asked for; waiting or another start would not help."""
    execute(database_url, "UPDATE alembic_version SET version_num = '0999'")
    sentence = (
        f"The database is at revision 0999, which this release does not know (it knows those to {HEAD_REVISION}): "
        "another release has migrated it. Start that release, or downgrade with it.\n"
    )
    for arguments in ((), ("base",), ("-1",), ("0003",)):
        assert run_main(*arguments) == (2, sentence)


@pytest.mark.parametrize("revision", ["0999", "-99", "+3", "latest", ""])
def test_a_revision_that_does_not_exist_is_refused(run_main: Any, revision: str) -> None:
    """In one sentence, which names it."""
    code, said = run_main(revision)
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"`python -m migrations {revision}`: ")


def test_a_server_that_refuses_is_quoted(run_main: Any, database_url: str, empty_database_url: str) -> None:
    """An unknown role, and one without the right to create tables, or to read those that exist."""
    guest = empty_database_url.replace("dealqueue@", "guest@")
    assert run_main(url=guest) == (2, 'DATABASE_URL: PostgreSQL refuses the connection: role "guest" does not exist.\n')
    execute(empty_database_url, "CREATE ROLE guest LOGIN")
    code, said = run_main(url=guest)
    _, unreadable = run_main(url=database_url.replace("dealqueue@", "guest@"))
    execute(empty_database_url, "DROP ROLE guest")
    assert code == 2
    assert said == (
        "DATABASE_URL: the role guest may not create tables in the schema public; allow it with GRANT CREATE ON SCHEMA "
        "public TO guest.\n"
    )
    assert unreadable.startswith("DATABASE_URL: the role guest may not use the tables of Deal Queue; use the role")


def test_a_database_that_only_says_that_it_is_read_only_is_migrated(run_main: Any, database_url: str) -> None:
    """Sessions choose for themselves; a standby does not let them."""
    name = database_url.partition("@/")[2].partition("?")[0]
    execute(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert run_main("base")[0] == 0


def test_a_standby_is_refused() -> None:
    """The server's words come first, then what to do."""
    error = asyncpg.ReadOnlySQLTransactionError("cannot execute CREATE TABLE in a read-only transaction")
    assert reason_of(error) == (
        "cannot execute CREATE TABLE in a read-only transaction. The database is read-only: a migration needs the "
        "primary."
    )
    assert MigrationFailed("", error).is_refused


def test_what_was_rolled_back_is_said_to_be(run_main: Any, database_url: str) -> None:
    """A revision that is one transaction leaves nothing."""
    asyncio.run(migrate(database_url, "0012"))
    execute(database_url, "ALTER TABLE steps RENAME TO lost_steps")
    code, said = run_main()
    assert code == 1
    assert said == (
        'The migration failed: relation "steps" does not exist. The revision that failed was rolled back; the database '
        "is at revision 0012.\n"
    )


def test_what_was_committed_is_not_said_to_be_rolled_back(run_main: Any, database_url: str) -> None:
    """A revision that builds indexes beside the work of others is no transaction; the next start continues."""
    asyncio.run(migrate(database_url, BEFORE))
    execute(database_url, "CREATE TABLE ix_bulk_operation_items_deal_id ()")
    code, said = run_main()
    assert code == 1
    assert said == (
        'The migration failed: "ix_bulk_operation_items_deal_id" is not an index. The database is at revision '
        f"{BEFORE}. A part of the next revision was committed and stays; run the migration again to continue.\n"
    )
    execute(database_url, "DROP TABLE ix_bulk_operation_items_deal_id")
    assert run_main()[0] == 0


def test_the_next_start_continues_after_a_killed_one(database_url: str) -> None:
    """Killed while it builds an index: the server ends the build, and the index that it leaves is built again."""
    asyncio.run(migrate(database_url, BEFORE))
    work = f"import asyncio; from migrations.upgrade import migrate; asyncio.run(migrate({database_url!r}))"
    with psycopg.connect(database_url) as busy, psycopg.connect(database_url, autocommit=True) as watching:
        busy.execute("LOCK TABLE deals IN ROW EXCLUSIVE MODE")
        migrator = subprocess.Popen([sys.executable, "-c", work])
        while not watching.execute(BUILDING).fetchall():
            assert migrator.poll() is None
        migrator.kill()
        migrator.wait()
        while watching.execute(BUILDING).fetchall():
            pass
        assert watching.execute(INVALID).fetchall() == [("ix_deals_latest_run_id",)]
    asyncio.run(migrate(database_url))
    with psycopg.connect(database_url) as connection:
        assert connection.execute(INVALID).fetchall() == []
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD_REVISION,)]


async def test_a_process_does_not_wait_for_a_later_release(database: Database) -> None:
    """It refuses in a sentence; for an earlier revision it waits, because the migration may be running."""
    await database.run(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(ConfigurationError, match="at revision 0999, and this release knows those to"):
        await wait_for_database(database, revision=HEAD_REVISION)
    await database.run(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wait_for_database(database, revision=HEAD_REVISION, pause_seconds=0.05)
