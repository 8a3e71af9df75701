"""What HubSpot has answered about companies, remembered for some minutes.

Not breaking: the previous release does not know the table.

Revision ID: 0019
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hubspot_answers",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_hubspot_answers")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_hubspot_answers_read_at", "hubspot_answers", ["read_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("hubspot_answers")
