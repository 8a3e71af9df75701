"""Indexes for a million deals: for each foreign key on its referencing side, and for the queue over live deals only.

Not breaking: the previous release uses the indexes as well.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Without the first one, each run that the purge deletes reads all deals: the foreign key must find the deal of the run.
ADDED = (
    ("ix_deals_latest_run_id", "deals (latest_run_id)"),
    ("ix_bulk_operation_items_deal_id", "bulk_operation_items (deal_id)"),
    ("ix_deals_live_updated_at_id", "deals (updated_at DESC, id DESC) WHERE archived_at IS NULL"),
)
REMOVED = (("ix_deals_updated_at_id", "deals (updated_at DESC, id DESC)"),)


def upgrade() -> None:
    # Longer than the longest statement of the previous release: a build waits for older transactions, and blocks none.
    _replace(REMOVED, ADDED, lock_timeout="20s")


def downgrade() -> None:
    _replace(ADDED, REMOVED, lock_timeout="3s")


def _replace(old: tuple[tuple[str, str], ...], new: tuple[tuple[str, str], ...], *, lock_timeout: str) -> None:
    # Beside the work of the previous release. A build that was interrupted has left an index that is not used.
    with op.get_context().autocommit_block():
        op.execute(f"SET lock_timeout = '{lock_timeout}'")
        for name, columns in new:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        for name, _ in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
