"""The rate budget that all processes share.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On a busy table the migration fails soon instead of blocking others; it can be run again.
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "rate_budgets",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("limit_calls", sa.Integer(), nullable=False),
        sa.Column("span", sa.Interval(), nullable=False),
        sa.Column(
            "granted",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'::timestamptz[]"),
            nullable=False,
        ),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("policy", name=op.f("pk_rate_budgets")),
        postgresql_with={"fillfactor": 10},
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("rate_budgets")
