"""Deletes rows that are older than their retention, in batches that hold no lock for long."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy import TextClause, text

from core.in_turn import in_turn
from core.settings import Settings
from scheduler.context import JobContext

log = structlog.get_logger()

BATCH = 2_000
# A long purge says this often how far it is: for each so many rows that it has looked at.
REPORTED_ROWS = 50 * BATCH
# Workers that are started manually have a new name each time.
GONE_WORKERS_DAYS = 7
# An hour: the fetch stage uses no snapshot that is older than a minute.
SNAPSHOT_DAYS = 1 / 24


_TYPES = {int: "bigint", str: "text", bytes: "bytea"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Rows `o` of `rows` are old when `at` is more than `days` ago; an old row is kept where `unless` holds.

    They are walked through in the order of `at`, which an index has. `by_key`: in the order of `key`, the primary key
    of `table`, for rows without such an index; older rows have smaller keys.
    """

    table: str
    key: str
    at: str
    # A value before every key, of the key's type.
    first_key: int | str | bytes = 0
    days: Callable[[Settings], float]
    rows: str = ""
    unless: str = "false"
    lock: str = ""
    by_key: bool = False

    @property
    def statement(self) -> TextClause:
        """Deletes among the next :batch rows of the walk: a row that is kept is read once."""
        is_old = f"{self.at} < now() - :days * interval '1 day'"
        key, from_key = f"o.{self.key}", f"CAST(:key AS {_TYPES[type(self.first_key)]})"
        if self.by_key:
            order, passed, is_kept = key, f"{key} > {from_key}", f"({is_old}) IS NOT TRUE OR {self.unless}"
        else:
            order, is_kept = f"{self.at}, {key}", self.unless
            passed = f"{is_old} AND ({self.at}, {key}) > (CAST(:at AS timestamptz), {from_key})"
        return text(f"""
WITH passed AS MATERIALIZED (
    SELECT {key} AS key, {self.at} AS at, {is_kept} AS is_kept FROM {self.rows or f"{self.table} AS o"}
    WHERE {passed} ORDER BY {order} LIMIT :batch {self.lock}
), deleted AS (
    DELETE FROM {self.table} WHERE {self.key} = ANY(ARRAY(SELECT key FROM passed WHERE NOT is_kept))
    RETURNING {self.key}
)
SELECT (SELECT count(*) FROM deleted) AS deleted, (SELECT count(*) FROM passed) AS passed, o.key, o.at
FROM passed AS o ORDER BY {"o.key" if self.by_key else "o.at"} DESC, o.key DESC LIMIT 1
""")  # noqa: S608 - constants of ours

    def is_over(self, passed: int, deleted: int) -> bool:
        """Whether no batch can follow one of which so many rows were looked at, and so many deleted."""
        return passed < BATCH or (self.by_key and not deleted)


RETENTIONS = (
    Retention(
        table="pipeline_runs",
        key="id",
        at="o.ended_at",
        unless="EXISTS (SELECT FROM deals AS d WHERE d.latest_run_id = o.id OFFSET 0)",
        days=lambda settings: settings.retention_days,
    ),
    Retention(
        table="sync_runs",
        key="id",
        at="o.ended_at",
        by_key=True,
        days=lambda settings: settings.sync_runs_retention_days,
    ),
    # The trigger on the table allows the deletion of old rows only to a statement that sets this parameter.
    Retention(
        table="audit_events",
        key="id",
        at="o.at",
        unless="set_config('deal_queue.purge', 'audit_events', true) = ''",
        days=lambda settings: settings.audit_retention_days,
    ),
    # The items first: those of one operation may be many more than a batch.
    Retention(
        table="bulk_operation_items",
        key="id",
        at="b.ended_at",
        rows="bulk_operation_items AS o JOIN bulk_operations AS b ON b.id = o.bulk_id",
        days=lambda settings: settings.audit_retention_days,
    ),
    Retention(table="bulk_operations", key="id", at="o.ended_at", days=lambda settings: settings.audit_retention_days),
    Retention(table="workers", key="name", first_key="", at="o.heartbeat_at", days=lambda _: GONE_WORKERS_DAYS),
    Retention(table="sessions", key="id_hash", first_key=b"", at="o.expires_at", days=lambda _: 0),
    Retention(table="sign_in_codes", key="code_hash", first_key=b"", at="o.expires_at", days=lambda _: 0),
    # A worker that reserves deals locks their rows in another order: a delete that waits for no lock cannot deadlock.
    Retention(
        table="deal_snapshots",
        key="deal_id",
        at="o.read_at",
        lock="FOR UPDATE SKIP LOCKED",
        days=lambda _: SNAPSHOT_DAYS,
    ),
)


async def purge(context: JobContext) -> None:
    """A table that cannot be purged stops no other."""
    await in_turn("purge", {retention.table: partial(_purge, context, retention) for retention in RETENTIONS})


async def _purge(context: JobContext, retention: Retention) -> int:
    """Walk through the old rows, a batch in each transaction, each behind the one before; how many were deleted."""
    place: dict[str, object] = {"at": datetime.min.replace(tzinfo=UTC), "key": retention.first_key}
    given = {"days": retention.days(context.settings), "batch": BATCH}
    deleted = passed = 0
    while rows := await context.database.run(retention.statement, {**given, **place}):
        batch = rows[0]
        place = {"at": batch.at, "key": batch.key}
        deleted, passed = deleted + batch.deleted, passed + batch.passed
        context.report_progress()
        if retention.is_over(batch.passed, batch.deleted):
            break
        if passed % REPORTED_ROWS == 0:
            log.info("rows.being_purged", table=retention.table, count=deleted, passed=passed, until=str(batch.at))
    if deleted:
        log.info("rows.purged", table=retention.table, count=deleted)
    return deleted
