"""The full sync: several kinds of scans with their own cursors, sync runs, requests, reruns and purged deals.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KIND = postgresql.ENUM("BACKFILL", "TAIL", "SETTLE", "ARCHIVE", "RECONCILE", name="sync_kind", create_type=False)
OUTCOME = postgresql.ENUM(name="sync_outcome", create_type=False)
REASONS_BEFORE = "'HELD', 'BLOCKED_BY_UNKNOWN_STAGE', 'NEEDS_ATTENTION', 'CRASHED', 'ARCHIVED', 'MERGED', 'NOT_FOUND'"


def upgrade() -> None:
    # On a busy table the migration fails soon instead of blocking others; it can be run again.
    op.execute("SET LOCAL lock_timeout = '3s'")
    KIND.create(op.get_bind())
    op.execute("ALTER TYPE run_reason ADD VALUE 'NOT_SELECTED'")
    op.add_column("deals", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deals", sa.Column("rerun_wanted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_deals_hubspot_deal_number", "deals", [sa.text("(hubspot_deal_id::bigint)")], unique=False)
    op.create_index(
        "ix_deals_rerun_wanted_at",
        "deals",
        ["rerun_wanted_at"],
        unique=False,
        postgresql_where=sa.text("rerun_wanted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_pipeline_runs_held",
        "pipeline_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("reason = 'HELD' AND status = 'QUEUED'"),
    )
    _replace_sync_tables()
    op.create_table(
        "controls",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_controls")),
    )


def _replace_sync_tables() -> None:
    """The state of the earlier sync is not converted: the next sync reads everything from HubSpot again."""
    op.drop_table("sync_state")
    op.drop_table("sync_runs")
    op.create_table(
        "sync_state",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_contact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tail_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archive_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sync_state")),
    )
    op.create_table(
        "sync_scans",
        sa.Column("kind", KIND, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("floor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("until_id", sa.BigInteger(), nullable=True),
        sa.Column("started_runs", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "part", name=op.f("pk_sync_scans")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("outcome", OUTCOME, nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("polls", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("floor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watermark_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watermark_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("calls", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in ("seen", "new", "changed", "unchanged", "archived", "merged", "rejected", "held")
        ),
        sa.Column("backlog", sa.Integer(), nullable=True),
        sa.Column("lag_seconds", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
    )
    op.create_index("ix_sync_runs_started_at", "sync_runs", [sa.literal_column("started_at DESC")], unique=False)
    op.create_index("ix_sync_runs_kind_id", "sync_runs", ["kind", sa.literal_column("id DESC")], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ("controls", "sync_scans", "sync_runs", "sync_state"):
        op.drop_table(table)
    op.drop_index("ix_pipeline_runs_held", "pipeline_runs")
    op.drop_column("deals", "rerun_wanted_at")
    op.drop_column("deals", "purged_at")
    op.drop_index("ix_deals_hubspot_deal_number", "deals")
    _forget_reason()
    op.execute("DROP TYPE sync_kind")
    _restore_sync_tables()


def _forget_reason() -> None:
    """PostgreSQL cannot remove a value from an enum, so the type is created again."""
    op.execute("UPDATE pipeline_runs SET reason = NULL WHERE reason = 'NOT_SELECTED'")
    op.execute("ALTER TYPE run_reason RENAME TO run_reason_0005")
    op.execute(f"CREATE TYPE run_reason AS ENUM ({REASONS_BEFORE})")
    op.execute("ALTER TABLE pipeline_runs ALTER COLUMN reason TYPE run_reason USING reason::text::run_reason")
    op.execute("DROP TYPE run_reason_0005")


def _restore_sync_tables() -> None:
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("outcome", OUTCOME, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("floor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in ("pages", "seen", "new", "changed", "rejected")
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
    )
    op.create_index("ix_sync_runs_started_at", "sync_runs", [sa.literal_column("started_at DESC")], unique=False)
    op.create_table(
        "sync_state",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scan_floor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scan_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scan_last_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_sync_state")),
    )
