"""Who asks, what came of it, and the frame around every operation: one transaction, and one audit row within it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import AuditOutcome
from pipeline.operations.audit import record
from pipeline.operations.errors import OperationRefused

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """`actor` is who asks ("cli:ada"); `stages` are this release's as JSON, [{"key", "label"}, ...], for new runs."""

    database: Database
    actor: str
    stages: str


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation did, as a sentence; and the run or the bulk operation that it made or changed."""

    sentence: str
    run_id: int | None = None
    bulk_id: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What the audit says about an operation: its name, what it is done to, and with which arguments."""

    name: str
    target: str
    arguments: Mapping[str, object]


async def audited(asking: Asking, action: Action, work: Callable[[AsyncSession], Awaitable[Done]]) -> Done:
    """Do `work` in a transaction that holds its audit row as well; a refusal rolls it back and is recorded alone."""
    try:
        async with asking.database.write() as session:
            done = await work(session)
            await _record(session, asking, action, AuditOutcome.DONE, done.sentence)
    except OperationRefused as refused:
        async with asking.database.write() as session:
            await _record(session, asking, action, AuditOutcome.REFUSED, str(refused))
        raise
    return done


async def _record(session: AsyncSession, asking: Asking, action: Action, outcome: AuditOutcome, detail: str) -> None:
    await record(
        session,
        actor=asking.actor,
        action=action.name,
        target=action.target,
        arguments=action.arguments,
        outcome=outcome,
        detail=detail,
    )
    log.info("operation.asked", action=action.name, target=action.target, outcome=outcome, actor=asking.actor)
