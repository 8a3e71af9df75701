"""Procrastinate's own tables, as release 3.10 creates them, and our tuning of them.

Revision ID: 0001
Revises:
"""

from alembic import op

from migrations.frozen import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_sql_file("procrastinate_3_10.sql")
    run_sql_file("queue_tuning.sql")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_sql_file("procrastinate_drop.sql")
