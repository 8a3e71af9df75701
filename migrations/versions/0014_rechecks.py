"""Rechecks: when a deal is checked again without a change, and when we ourselves have last been active on it.

Not breaking: the previous release ignores the columns and starts no run with the new trigger.

Revision ID: 0014
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None

RECHECKABLE = (
    "archived_at IS NULL AND (status = 'DONE' OR status IN ('FAILED', 'CANCELLED') "
    "AND recheck_at > '1970-01-01 00:00:00+00')"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TYPE run_trigger ADD VALUE 'RECHECK'")
    # Constant defaults: no row is rewritten. Deals that an earlier release has checked are due at once.
    op.add_column(
        "deals",
        sa.Column(
            "recheck_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'1970-01-01 00:00:00+00'::timestamptz"),
            nullable=True,
        ),
    )
    op.add_column("deals", sa.Column("activity_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "deals",
        sa.Column(
            "own_activity",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'::timestamptz[]"),
            nullable=False,
        ),
    )
    op.create_index("ix_deals_recheck_at", "deals", ["recheck_at"], postgresql_where=sa.text(RECHECKABLE))


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
