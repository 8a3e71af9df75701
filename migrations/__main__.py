"""`python -m migrations [REVISION]`: migrates the database, by default to the schema of this release."""

import asyncio
import sys

import structlog
from sqlalchemy.exc import DBAPIError

from core import logs
from core.database import Database, wait_for_database
from core.entry import configuration_errors
from core.settings import Settings
from migrations.upgrade import migrate


async def _main(url: str, revision: str) -> None:
    database = Database.connect(url, name="migrations", pool_size=1)
    await wait_for_database(database, creates=True)
    await database.close()
    await migrate(url, revision)


def main() -> int:
    try:
        settings = Settings.load()
        logs.configure("migrations", settings)
        asyncio.run(_main(settings.database(), sys.argv[1] if len(sys.argv) > 1 else "head"))
    except DBAPIError as error:
        sys.stderr.write(f"The migration failed and was rolled back: {error.orig}\n")
        return 1
    structlog.get_logger().info("migrations.done")
    return 0


if __name__ == "__main__":
    with configuration_errors():
        sys.exit(main())
