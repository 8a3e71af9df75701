"""Audit events, which are append-only, and bulk operations.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OUTCOME = postgresql.ENUM("DONE", "REFUSED", name="audit_outcome", create_type=False)
BULK_KIND = postgresql.ENUM("RETRY", "CANCEL", "PROCESS_NOW", name="bulk_kind", create_type=False)
BULK_STATUS = postgresql.ENUM("RUNNING", "DONE", "CANCELLED", name="bulk_status", create_type=False)
ITEM_STATUS = postgresql.ENUM("WAITING", "DONE", "REFUSED", "CANCELLED", name="bulk_item_status", create_type=False)
ENUMS = (OUTCOME, BULK_KIND, BULK_STATUS, ITEM_STATUS)

GUARD = """
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('deal_queue.purge', true) = 'audit_events' THEN
        IF OLD.at < now() - interval '1 day' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
ROWS = """
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_append_only()
"""
TABLE = """
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()
"""


def upgrade() -> None:
    # On a busy table the migration fails soon instead of blocking others; it can be run again.
    op.execute("SET LOCAL lock_timeout = '3s'")
    for enum in ENUMS:
        enum.create(op.get_bind())
    _create_audit()
    _create_bulk()


def _create_audit() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("outcome", OUTCOME, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"], unique=False)
    op.create_index("ix_audit_events_target_id", "audit_events", ["target", sa.text("id DESC")], unique=False)
    for statement in (GUARD, ROWS, TABLE):
        op.execute(statement)


def _create_bulk() -> None:
    op.create_table(
        "bulk_operations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", BULK_KIND, nullable=False),
        sa.Column("arguments", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("status", BULK_STATUS, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operations")),
    )
    op.create_index(
        "ix_bulk_operations_running",
        "bulk_operations",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'RUNNING'"),
    )
    op.create_table(
        "bulk_operation_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bulk_id", sa.BigInteger(), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("status", ITEM_STATUS, nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulk_id"], ["bulk_operations.id"], name=op.f("fk_bulk_operation_items_bulk_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_bulk_operation_items_deal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operation_items")),
    )
    op.create_index(
        "uq_bulk_operation_items_bulk_id_deal_id", "bulk_operation_items", ["bulk_id", "deal_id"], unique=True
    )
    op.create_index(
        "ix_bulk_operation_items_waiting",
        "bulk_operation_items",
        ["bulk_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'WAITING'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ("bulk_operation_items", "bulk_operations", "audit_events"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_events_append_only()")
    for enum in ENUMS:
        enum.drop(op.get_bind())
