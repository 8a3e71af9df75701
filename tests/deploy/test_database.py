"""The database is reached and migrated before any process starts; every failure is one sentence."""

import os
from pathlib import Path

import pytest

from deploy.database import is_current, migrate, wait_for_server
from deploy.errors import StartError

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:pw@127.0.0.1:1/name", "127.0.0.1:1"),
        ("postgresql://me:pw@/name?host=/nonexistent", "/nonexistent:5432"),
    ],
)
def test_a_server_that_stays_unavailable_is_named_without_the_password(url: str, place: str) -> None:
    with pytest.raises(StartError, match=f"^DATABASE_URL: no PostgreSQL answers at {place}: ") as raised:
        wait_for_server(url, timeout_seconds=0)
    assert "pw" not in str(raised.value)


def test_a_server_that_accepts_a_connection_ends_the_wait(database_url: str) -> None:
    wait_for_server(database_url, timeout_seconds=0)


def test_a_migration_is_needed_until_the_tables_are_those_of_this_release(
    database_url: str, empty_database_url: str
) -> None:
    """An unreachable database is not current: the migration reports the reason."""
    assert is_current(database_url)
    assert not is_current(empty_database_url)
    assert not is_current("postgresql://me@127.0.0.1:1/name")


def test_a_database_is_migrated(empty_database_url: str, tmp_path: Path) -> None:
    environment = os.environ | {"DATABASE_URL": empty_database_url, "PYTHONPATH": str(CHECKOUT)}
    migrate(environment, tmp_path / "log")
    assert is_current(empty_database_url)


def test_the_error_of_a_failed_migration_ends_with_its_last_line(tmp_path: Path) -> None:
    """The whole output is in the file that the message names."""
    environment = os.environ | {"DATABASE_URL": "postgresql://me@host/name", "LOG_TO": "paper", "PYTHONPATH": "."}
    with pytest.raises(StartError, match="LOG_TO") as raised:
        migrate(environment, tmp_path / "log")
    last = (tmp_path / "log").read_text().strip().splitlines()[-1]
    assert str(raised.value) == f"The database could not be migrated (see {tmp_path / 'log'}): {last}"
