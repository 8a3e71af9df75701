"""The audit: a row in the transaction of what it tells about; nobody changes it afterwards (models/audit_events.py)."""

from collections.abc import Mapping

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.logs import redact
from models import AuditOutcome

_RECORD = text("""
INSERT INTO audit_events (at, actor, action, target, arguments, outcome, detail)
VALUES (clock_timestamp(), :actor, :action, :target, CAST(:arguments AS jsonb), CAST(:outcome AS audit_outcome),
        :detail)
""")


async def record(
    session: AsyncSession,
    *,
    actor: str,
    action: str,
    target: str,
    arguments: Mapping[str, object],
    outcome: AuditOutcome,
    detail: str,
) -> None:
    """Arguments that were not given are left out; tokens and passwords in the others do not get this far."""
    given = {name: value for name, value in arguments.items() if value is not None}
    parameters = {
        "actor": actor,
        "action": action,
        "target": target,
        "arguments": redact(orjson.dumps(given).decode()),
        "outcome": outcome,
        "detail": redact(detail),
    }
    await session.execute(_RECORD, parameters)
