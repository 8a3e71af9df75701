"""The revision that this release needs, read from the migration files."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _head() -> str:
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise LookupError("migrations/versions holds no revision")
    return head


HEAD_REVISION: str = _head()
# Of earlier releases; the revision of a later one is not known here.
EARLIER_REVISIONS = frozenset(
    script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
) - {HEAD_REVISION}
