"""What HubSpot has answered about companies, remembered for some minutes; indexes that are searched while written.

Not breaking: the previous release does not know the table, and uses the indexes as before.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


INDEXES = ("ix_deals_company_ids", "ix_deals_contact_ids")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for index in INDEXES:
        # New entries go into the index itself, and those that are pending as well.
        op.execute(f"ALTER INDEX {index} SET (fastupdate = off)")
        op.execute(f"SELECT gin_clean_pending_list('{index}')")
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
    for index in INDEXES:
        op.execute(f"ALTER INDEX {index} RESET (fastupdate)")
