"""Runs the frozen SQL files of a revision: several statements at once, which prepared statements cannot run."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only

SQL_FOLDER = Path(__file__).parent / "sql"


def run_sql_file(name: str) -> None:
    """Execute `migrations/sql/<name>` on the migration's own connection, inside its transaction."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("A migration needs an open connection")
    await_only(connection.execute((SQL_FOLDER / name).read_text()))
