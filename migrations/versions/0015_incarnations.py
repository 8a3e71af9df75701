"""Which start of which process holds a lease, and why a process does not start.

Not breaking: the previous release leaves the columns empty, and reads no new table. Its leases expire.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = (("pipeline_runs", "incarnation"), ("workers", "process"), ("leases", "process"))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} text")
    op.create_table(
        "process_failures",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("process", "host", name=op.f("pk_process_failures")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("process_failures")
    for table, column in COLUMNS:
        op.drop_column(table, column)
