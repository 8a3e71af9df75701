"""Migrates to a revision, safely when several processes try at once."""

import asyncio
from functools import partial

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.address import Address
from core.database import engine_at
from core.session_settings import SessionSettings
from migrations.head import alembic_config

log = structlog.get_logger()

# An arbitrary constant. The lock is polled: waiting inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY
# (measured: 2 of 3 migrations failed, with polling 6 of 6 succeeded).
LOCK_KEY = 727_202_611
POLL_SECONDS = 0.2


def open_engine(url: str) -> AsyncEngine:
    """Without a pool, and without a limit on locks and time: revisions set their own."""
    address = Address.of(url)
    settings = SessionSettings(lock_timeout="0", idle_in_transaction_session_timeout="0")
    connection = {"server_settings": {"application_name": f"{address.application_name} migrations"}}
    return engine_at(address, partial(settings.connect, address), poolclass=pool.NullPool, connect_args=connection)


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade; or downgrade when `revision` is `base`, `-1` or an id before the current one."""
    engine = open_engine(url)
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as lock:
            while not await lock.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}):
                log.info("migrations.waiting", reason="another process migrates this database")
                await asyncio.sleep(POLL_SECONDS)
            async with engine.connect() as connection:
                await connection.run_sync(_run, revision)
    finally:
        await engine.dispose()


def _run(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    downwards = revision == "base" or revision.startswith("-") or _is_earlier(connection, config, revision)
    (command.downgrade if downwards else command.upgrade)(config, revision)


def _is_earlier(connection: Connection, config: Config, revision: str) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    # Alembic commits only transactions that it has begun itself.
    connection.rollback()
    if current in (None, revision):
        return False
    passed = ScriptDirectory.from_config(config).iterate_revisions(current, "base")
    return revision in {script.revision for script in passed}
