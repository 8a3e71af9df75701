"""Migrates to a revision, safely when several processes try at once, and says in a sentence what became of it."""

import asyncio
from functools import partial
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.address import Address
from core.database import engine_at
from core.error_text import line
from core.errors import ConfigurationError, DatabaseUnavailable
from core.session_settings import SessionSettings
from core.unavailable import translated
from migrations.failure import MigrationFailed, reason_of
from migrations.head import HEAD_REVISION, alembic_config

log = structlog.get_logger()

# An arbitrary constant. The lock is polled: waiting inside pg_advisory_lock deadlocks with CREATE INDEX CONCURRENTLY
# (measured: 2 of 3 migrations failed, with polling 6 of 6 succeeded).
LOCK_KEY = 727_202_611
POLL_SECONDS = 0.2
POLLS_BETWEEN_LOGS = 50

# The server ends the statement of a migrator that was killed, so that the next one need not wait for it.
_NOTICE_DEATH = text("SET client_connection_check_interval = '1s'")


class _Progress:
    """Whether the revision that runs has committed a part: the rest of it can no longer be rolled back with it."""

    is_partly_committed = False

    def note_options(self, _: Connection, options: dict[str, Any]) -> None:
        """Alembic's autocommit block commits what the revision has done before it, and switches to AUTOCOMMIT."""
        if options.get("isolation_level") == "AUTOCOMMIT":
            self.is_partly_committed = True

    def note_applied(self, **_: Any) -> None:
        self.is_partly_committed = False


def open_engine(url: str) -> AsyncEngine:
    """Without a pool, and without a limit on locks and time: revisions set their own."""
    address = Address.of(url)
    settings = SessionSettings(lock_timeout="0", idle_in_transaction_session_timeout="0")
    connection = {"server_settings": {"application_name": f"{address.application_name} migrations"}}
    return engine_at(address, partial(settings.connect, address), poolclass=pool.NullPool, connect_args=connection)


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade; or downgrade when `revision` is `base`, `-1` or an id before the current one.

    ConfigurationError when this release does not know the revision, or that of the database; MigrationFailed.
    """
    engine = open_engine(url)
    try:
        lock = engine.execution_options(isolation_level="AUTOCOMMIT").connect()
        with translated(connecting=True):
            await lock.start()
        try:
            await _wait_for_lock(lock)
            await _migrate(engine, revision)
        finally:
            await lock.close()
    finally:
        await engine.dispose()


async def _wait_for_lock(connection: AsyncConnection) -> None:
    polls = 0
    while not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}):
        if polls % POLLS_BETWEEN_LOGS == 0:
            log.info("migrations.waiting", reason="another process migrates this database")
        polls += 1
        await asyncio.sleep(POLL_SECONDS)


async def _migrate(engine: AsyncEngine, revision: str) -> None:
    if not revision:
        raise ConfigurationError("`python -m migrations `: the revision is empty.")
    config, progress = alembic_config(), _Progress()
    config.attributes["on_version_apply"] = progress.note_applied
    event.listen(engine.sync_engine, "set_connection_execution_options", progress.note_options)
    async with engine.connect() as connection:
        try:
            await connection.execute(_NOTICE_DEATH)
            await connection.commit()
            before = await connection.run_sync(_known_revision, config)
            await connection.run_sync(_run, config, before, revision)
        except ConfigurationError:
            raise
        except CommandError as error:
            raise ConfigurationError(f"`python -m migrations {revision}`: {line(error)}") from error
        except Exception as error:
            raise MigrationFailed(await _sentence(engine, config, error, progress), error) from error


def _known_revision(connection: Connection, config: Config) -> str | None:
    """The database's revision, None before the first one; ConfigurationError when this release does not know it."""
    found = MigrationContext.configure(connection).get_current_heads()
    # Alembic commits only transactions that it has begun itself.
    connection.rollback()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if unknown := set(found) - known:
        raise ConfigurationError(
            f"The database is at revision {', '.join(sorted(unknown))}, which this release does not know (it knows "
            f"those to {HEAD_REVISION}): another release has migrated it. Start that release, or downgrade with it."
        )
    return found[0] if found else None


def _run(connection: Connection, config: Config, current: str | None, revision: str) -> None:
    config.attributes["connection"] = connection
    downwards = revision == "base" or revision.startswith("-") or _is_earlier(config, current, revision)
    (command.downgrade if downwards else command.upgrade)(config, revision)


def _is_earlier(config: Config, current: str | None, revision: str) -> bool:
    if current in (None, revision):
        return False
    passed = ScriptDirectory.from_config(config).iterate_revisions(current, "base")
    return revision in {script.revision for script in passed}


async def _sentence(engine: AsyncEngine, config: Config, failure: Exception, progress: _Progress) -> str:
    """Why it failed, where the database stands now, and whether a part of the revision that failed has stayed."""
    try:
        with translated(connecting=True):
            async with engine.connect() as connection:
                found = await connection.run_sync(_known_revision, config)
    except DatabaseUnavailable:
        return f"The migration failed: {reason_of(failure)} What was committed before stays; run it again."
    place = f"the database is at revision {found}" if found else "the database has no tables yet"
    if progress.is_partly_committed:
        rest = f"{place}. A part of the next revision was committed and stays; run the migration again to continue."
    else:
        rest = f"the revision that failed was rolled back; {place}."
    return f"The migration failed: {reason_of(failure)} {rest[0].upper()}{rest[1:]}"
