"""Why a process refuses to start, stored for the page, which cannot read its log. Deleted once the process is up."""

import asyncio
import os
import socket
from contextlib import suppress

from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable, DealQueueError
from core.identity import INSTANCE_VARIABLE
from core.logs import redact
from core.settings import Settings

# The process exits anyway; it does not wait longer than this to say why.
RECORD_SECONDS = 5.0
# A process that is not started again leaves its row behind; see SHOWN_SECONDS.
_FORGOTTEN_AFTER = "1 day"
# A process that is started again refuses again within a minute or, in other environments, a few.
SHOWN_SECONDS = 600

_RECORD = text(f"""
WITH forgotten AS (
    DELETE FROM process_failures WHERE failed_at < now() - interval '{_FORGOTTEN_AFTER}'
)
INSERT INTO process_failures (process, host, reason) VALUES (:process, :host, :reason)
ON CONFLICT (process, host) DO UPDATE SET reason = excluded.reason, failed_at = clock_timestamp()
""")  # noqa: S608 - a constant of ours
_FORGET = text("DELETE FROM process_failures WHERE process = :process AND host = :host")


async def record_failure(settings: Settings, process: str, error: DealQueueError) -> None:
    """Store the sentence. If that is not possible, it stands in the process's log only."""
    with suppress(DealQueueError, TimeoutError):
        database = Database.connect(settings.database(), name=process, pool_size=1)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await database.run(_RECORD, {"process": process, "host": _host(), "reason": redact(str(error))})
        finally:
            await database.close()


async def forget_failure(database: Database, process: str) -> None:
    """The process is up."""
    with suppress(DatabaseUnavailable):
        await database.run(_FORGET, {"process": process, "host": _host()})


def _host() -> str:
    """Two installations of one host name have a row each."""
    instance = os.environ.get(INSTANCE_VARIABLE)
    return f"{socket.gethostname()}/{instance}" if instance else socket.gethostname()
