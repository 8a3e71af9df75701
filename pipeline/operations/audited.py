"""The frame of every operation: one transaction that also holds the audit row, and one for a refusal alone.

async with audited(context, Action("cancel", "deal:7")) as operation:
    await operation.session.execute(...)
    return operation.done("Run 1 of deal 7 is cancelled.", run_id=1)
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.logs import redact
from models import AuditOutcome
from models.stages import StageNames
from pipeline.operations.errors import OperationRefused

log = structlog.get_logger()

# In the transaction that it records. A trigger keeps the row from being changed later (models/audit_events.py).
_RECORD = text("""
INSERT INTO audit_events (at, actor, action, target, arguments, outcome, detail)
VALUES (clock_timestamp(), :actor, :action, :target, CAST(:arguments AS jsonb), CAST(:outcome AS audit_outcome),
        :detail)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationContext:
    """`actor` is the person ("cli:ada"); `stages` are those of this release, for new runs.

    `item_session` is the transaction of a bulk item. An operation joins it, and leaves its record to the item's row.
    """

    database: Database
    actor: str
    stages: StageNames
    item_session: AsyncSession | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What the audit records of an operation: its name, its target and its arguments."""

    name: str
    target: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation did, as a sentence; and the run or the bulk operation that it is about."""

    sentence: str
    run_id: int | None = None
    bulk_id: int | None = None


class Operation:
    """An operation in progress: it writes through `session` and ends with `done`."""

    # Unset until `done`: a block that ends without a result fails, and leaves no audit row without a sentence.
    result: OperationResult

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def done(self, sentence: str, *, run_id: int | None = None, bulk_id: int | None = None) -> OperationResult:
        self.result = OperationResult(sentence, run_id, bulk_id)
        return self.result


@asynccontextmanager
async def audited(context: OperationContext, action: Action) -> AsyncIterator[Operation]:
    """A refusal undoes the block, is recorded in a transaction of its own and raised; any other error only undoes."""
    if context.item_session is not None:
        async with context.item_session.begin_nested():
            yield Operation(context.item_session)
        return
    try:
        async with context.database.write() as session:
            operation = Operation(session)
            yield operation
            await _record(session, context.actor, action, AuditOutcome.DONE, operation.result.sentence)
    except OperationRefused as refused:
        async with context.database.write() as session:
            await _record(session, context.actor, action, AuditOutcome.REFUSED, str(refused))
        raise


async def _record(session: AsyncSession, actor: str, action: Action, outcome: AuditOutcome, detail: str) -> None:
    """Arguments that were not given are left out; tokens and passwords are redacted."""
    given = {name: value for name, value in action.arguments.items() if value is not None}
    parameters = {
        "actor": actor,
        "action": action.name,
        "target": action.target,
        "arguments": redact(orjson.dumps(given).decode()),
        "outcome": outcome,
        "detail": redact(detail),
    }
    await session.execute(_RECORD, parameters)
    log.info("operation.recorded", action=action.name, target=action.target, outcome=outcome, actor=actor)
