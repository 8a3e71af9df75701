"""`python -m migrations [REVISION]`: migrates the database, by default to the schema of this release."""

import argparse
import asyncio
import sys

import structlog

from core import logs
from core.database import Database, wait_for_database
from core.entry import EXIT_WRONG_SETTING, configuration_errors
from core.error_text import line
from core.errors import DatabaseUnavailable
from core.exits import EXIT_CODES, EXIT_DONE, EXIT_FAILED
from core.logs import redact
from core.settings import Settings
from migrations.failure import MigrationFailed
from migrations.upgrade import migrate

# As shells report SIGINT.
EXIT_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m migrations", description="Migrate the database.", epilog=EXIT_CODES
    )
    parser.add_argument(
        "revision", nargs="?", default="head", help="head (this release, the default), an earlier id, -1, or base"
    )
    return parser


async def _main(url: str, revision: str) -> None:
    database = Database.connect(url, name="migrations", pool_size=1)
    try:
        await wait_for_database(database, creates=True)
    finally:
        await database.close()
    await migrate(url, revision)


def main() -> int:
    """0 when the database is at the revision; 1 when it failed and may succeed later, 2 when something must change."""
    revision = _parser().parse_args().revision
    settings = Settings.load()
    logs.configure("migrations", settings)
    try:
        asyncio.run(_main(settings.database(), revision))
    except KeyboardInterrupt:
        sys.stderr.write("The migration was interrupted. What was committed before stays; run it again to continue.\n")
        return EXIT_INTERRUPTED
    except DatabaseUnavailable as error:
        sys.stderr.write(f"The database is unavailable: {redact(line(error))}\n")
        return EXIT_FAILED
    except MigrationFailed as error:
        sys.stderr.write(f"{redact(line(error))}\n")
        return EXIT_WRONG_SETTING if error.is_refused else EXIT_FAILED
    structlog.get_logger().info("migrations.done")
    return EXIT_DONE


if __name__ == "__main__":
    with configuration_errors():
        sys.exit(main())
