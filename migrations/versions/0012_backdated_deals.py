"""Deals whose modification time went back: how many a sync has found, and up to which time a search proves nothing.

Additive: the previous release runs on it.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("sync_runs", sa.Column("backdated", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("deals", sa.Column("superseded_modified_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("deals", "superseded_modified_at")
    op.drop_column("sync_runs", "backdated")
