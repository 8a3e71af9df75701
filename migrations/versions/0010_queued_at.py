"""The time at which a run entered the queue; for a held run, the time of its release.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    # The default is set afterwards, so that existing rows are neither rewritten nor marked as queued now.
    op.add_column("pipeline_runs", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("pipeline_runs", "queued_at", server_default=sa.text("now()"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("pipeline_runs", "queued_at")
