"""The text of each value of a deal that cannot be read; dates outside 1900 to 2999 become such values.

Not breaking: the previous release neither reads nor writes the column.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# A date in year 1 was stored as -infinity. The next reading of such a deal would store the same; nothing else changes.
_MEND = """
UPDATE deals SET
    unreadable = unreadable || jsonb_strip_nulls(jsonb_build_object('{property}', properties ->> '{property}')),
    {column} = NULL
WHERE {column} < '1900-01-01Z' OR {column} >= '3000-01-01Z'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE deals ADD COLUMN IF NOT EXISTS unreadable jsonb NOT NULL DEFAULT '{}'")
    # The column is committed first: until then the table is locked, and the updates read all of it. An upgrade that is
    # interrupted here continues with the next start.
    with op.get_context().autocommit_block():
        for column, name in (("close_date", "closedate"), ("hubspot_created_at", "createdate")):
            op.execute(_MEND.format(column=column, property=name))
        # A departed deal needs a time; the one at which it was read is the closest known.
        op.execute("UPDATE deals SET archived_at = properties_read_at WHERE archived_at < '1900-01-01Z'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("deals", "unreadable")
