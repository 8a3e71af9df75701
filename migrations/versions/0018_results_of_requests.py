"""What came of a sync that a person has requested from the leading scheduler.

Not breaking: the previous release ignores the column and leaves it empty.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE controls ADD COLUMN IF NOT EXISTS results jsonb")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("controls", "results")
