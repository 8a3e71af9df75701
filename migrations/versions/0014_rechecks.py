"""Rechecks: when a deal is checked again without a change, and when we ourselves have last been active on it.

Not breaking: the previous release ignores the columns and starts no run with the new trigger.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

RECHECKABLE = (
    "archived_at IS NULL AND (status = 'DONE' OR status IN ('FAILED', 'CANCELLED') "
    "AND recheck_at > '1970-01-01 00:00:00+00')"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TYPE run_trigger ADD VALUE IF NOT EXISTS 'RECHECK'")
    # Constant defaults: no row is rewritten. Deals that an earlier release has checked are due at once.
    op.execute("ALTER TABLE deals ADD COLUMN IF NOT EXISTS recheck_at timestamptz DEFAULT '1970-01-01 00:00:00+00'")
    op.execute("ALTER TABLE deals ADD COLUMN IF NOT EXISTS activity_at timestamptz")
    op.execute("ALTER TABLE deals ADD COLUMN IF NOT EXISTS own_activity timestamptz[] NOT NULL DEFAULT '{}'")
    # Built beside the work of the previous release. One that was interrupted left an index that is not used.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_deals_recheck_at")
        op.execute(f"CREATE INDEX CONCURRENTLY ix_deals_recheck_at ON deals (recheck_at) WHERE {RECHECKABLE}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("ix_deals_recheck_at", table_name="deals")
    for column in ("own_activity", "activity_at", "recheck_at"):
        op.drop_column("deals", column)
    # PostgreSQL removes no value from an enum.
    op.execute("UPDATE pipeline_runs SET trigger = 'CHANGED' WHERE trigger = 'RECHECK'")
    op.execute("ALTER TYPE run_trigger RENAME TO run_trigger_0014")
    op.execute("CREATE TYPE run_trigger AS ENUM ('NEW', 'RETRY', 'MANUAL', 'CHANGED')")
    op.execute("ALTER TABLE pipeline_runs ALTER COLUMN trigger TYPE run_trigger USING trigger::text::run_trigger")
    op.execute("DROP TYPE run_trigger_0014")
