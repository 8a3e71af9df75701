"""What a run waits for that only a person can grant in HubSpot, and the run that a carried-over step comes from.

Not breaking: the previous release ignores both columns.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A carried-over step has no attempts of its own, and the very times of the step that was run.
CARRIED_FROM = """
UPDATE steps AS c SET carried_from = o.number
FROM pipeline_runs AS r JOIN pipeline_runs AS o USING (deal_id) JOIN steps AS s ON s.run_id = o.id AND s.attempts > 0
WHERE c.attempts = 0 AND r.id = c.run_id AND s.stage = c.stage AND s.started_at = c.started_at
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE steps ADD COLUMN IF NOT EXISTS carried_from integer")
    op.execute("ALTER TABLE pipeline_runs ADD COLUMN IF NOT EXISTS waits_for text")
    # Empty when it is built; built at once, because no release before this one fills the column.
    op.create_index(
        "ix_pipeline_runs_waits_for",
        "pipeline_runs",
        ["waits_for", "next_attempt_at"],
        postgresql_where=sa.text("waits_for IS NOT NULL AND status = 'RETRYING'"),
        if_not_exists=True,
    )
    # The columns are committed first: until then the tables are locked, and the update reads all of their rows. An
    # upgrade that is interrupted here continues with the next start.
    with op.get_context().autocommit_block():
        op.execute(CARRIED_FROM)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("ix_pipeline_runs_waits_for", table_name="pipeline_runs")
    op.drop_column("pipeline_runs", "waits_for")
    op.drop_column("steps", "carried_from")
