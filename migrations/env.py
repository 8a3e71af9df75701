"""Alembic's environment: async, one transaction per revision; Procrastinate's tables are left to their frozen SQL."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from core.settings import Settings
from migrations.upgrade import open_engine
from models import metadata


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        include_name=_ours,
        compare_type=True,
        on_version_apply=context.config.attributes.get("on_version_apply"),
    )
    with context.begin_transaction():
        context.run_migrations()


async def _with_own_connection() -> None:
    engine = open_engine(Settings.load().database())
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


# `python -m migrations` passes a connection and holds a lock against a second migration; `alembic` itself does neither.
if isinstance(given := context.config.attributes.get("connection"), Connection):
    _migrate(given)
else:
    asyncio.run(_with_own_connection())
