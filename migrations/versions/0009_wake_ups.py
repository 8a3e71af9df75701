"""No NOTIFY for each job: the process that queues jobs wakes the workers, at most ten times a second.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from migrations.frozen import run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    run_sql_file("quiet_queue.sql")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE procrastinate_jobs ENABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1")
