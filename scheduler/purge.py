"""Deletes rows that are older than their retention, in batches that hold no lock for long."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text

from core.settings import Settings
from scheduler.context import JobContext

log = structlog.get_logger()

BATCH = 2_000
# Workers that are started manually have a new name each time.
GONE_WORKERS_DAYS = 7
# An hour: the fetch stage uses no snapshot that is older than a minute.
SNAPSHOT_DAYS = 1 / 24


@dataclass(frozen=True, slots=True)
class Retention:
    """`old` selects the primary keys (column `key` of `table`) of rows older than :days."""

    table: str
    key: str
    old: str
    days: Callable[[Settings], float]


RETENTIONS = (
    Retention(
        "pipeline_runs",
        "id",
        "SELECT r.id FROM pipeline_runs AS r WHERE r.ended_at < now() - :days * interval '1 day' "
        "AND NOT EXISTS (SELECT FROM deals AS d WHERE d.latest_run_id = r.id)",
        lambda settings: settings.retention_days,
    ),
    Retention(
        "sync_runs",
        "id",
        "SELECT id FROM sync_runs WHERE ended_at < now() - :days * interval '1 day'",
        lambda settings: settings.sync_runs_retention_days,
    ),
    # The trigger on the table allows the deletion of old rows only to a statement that sets this parameter.
    Retention(
        "audit_events",
        "id",
        "SELECT id FROM audit_events WHERE at < now() - :days * interval '1 day' "
        "AND set_config('deal_queue.purge', 'audit_events', true) <> ''",
        lambda settings: settings.audit_retention_days,
    ),
    # The items first: those of one operation may be many more than a batch.
    Retention(
        "bulk_operation_items",
        "id",
        "SELECT i.id FROM bulk_operation_items AS i JOIN bulk_operations AS b ON b.id = i.bulk_id "
        "WHERE b.ended_at < now() - :days * interval '1 day'",
        lambda settings: settings.audit_retention_days,
    ),
    Retention(
        "bulk_operations",
        "id",
        "SELECT id FROM bulk_operations WHERE ended_at < now() - :days * interval '1 day'",
        lambda settings: settings.audit_retention_days,
    ),
    Retention(
        "workers",
        "name",
        "SELECT name FROM workers WHERE heartbeat_at < now() - :days * interval '1 day'",
        lambda _: GONE_WORKERS_DAYS,
    ),
    Retention(
        "sessions",
        "id_hash",
        "SELECT id_hash FROM sessions WHERE expires_at < now() - :days * interval '1 day'",
        lambda _: 0,
    ),
    Retention(
        "sign_in_codes",
        "code_hash",
        "SELECT code_hash FROM sign_in_codes WHERE expires_at < now() - :days * interval '1 day'",
        lambda _: 0,
    ),
    # A worker that reserves deals locks their rows in another order: a delete that waits for no lock cannot deadlock.
    Retention(
        "deal_snapshots",
        "deal_id",
        "SELECT deal_id FROM deal_snapshots WHERE read_at < now() - :days * interval '1 day' FOR UPDATE SKIP LOCKED",
        lambda _: SNAPSHOT_DAYS,
    ),
)


async def purge(context: JobContext) -> None:
    for retention in RETENTIONS:
        deleted = await _delete(context, retention)
        if deleted:
            log.info("rows.purged", table=retention.table, count=deleted)


async def _delete(context: JobContext, retention: Retention) -> int:
    statement = text(
        f"DELETE FROM {retention.table} WHERE {retention.key} IN ({retention.old} LIMIT :batch) "  # noqa: S608
        f"RETURNING {retention.key}"
    )
    parameters = {"days": retention.days(context.settings), "batch": BATCH}
    total = 0
    while batch := len(await context.database.run(statement, parameters)):
        total += batch
    return total
