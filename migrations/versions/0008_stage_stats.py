"""Durations of stages, the index of the queue in its order, and records that were read ahead for waiting deals.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "stage_stats",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("p50", sa.Float(), nullable=False),
        sa.Column("p95", sa.Float(), nullable=False),
        sa.Column("p99", sa.Float(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stage", name=op.f("pk_stage_stats")),
    )
    op.create_table(
        "deal_snapshots",
        sa.Column("deal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_deal_snapshots_deal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("deal_id", name=op.f("pk_deal_snapshots")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        "ix_pipeline_runs_queue",
        "pipeline_runs",
        [sa.text("priority DESC"), "id"],
        unique=False,
        postgresql_where=sa.text("status = 'QUEUED' AND reason IS DISTINCT FROM 'HELD'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("ix_pipeline_runs_queue", table_name="pipeline_runs")
    op.drop_table("deal_snapshots")
    op.drop_table("stage_stats")
