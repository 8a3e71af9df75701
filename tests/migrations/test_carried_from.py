"""Revision 0013 finds out which run the steps come from that the releases before it have carried over."""

from core.database import Database
from migrations.upgrade import migrate
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel
from pipeline.operations.retry import retry
from tests.factories import STAGE_NAMES, rows
from tests.pipeline.operations.states import failed_deal

STEPS = """
SELECT r.number, s.carried_from FROM steps s JOIN pipeline_runs r ON r.id = s.run_id ORDER BY r.number, s.position
"""


async def test_an_upgrade_names_the_runs_of_carried_steps(database: Database, database_url: str) -> None:
    """The run that ran them, also of a step that was carried over twice."""
    context = OperationContext(database=database, actor="cli:ada", stages=STAGE_NAMES)
    lease = await failed_deal(database, finished=1)
    await retry(context, lease.deal_id)
    await cancel(context, lease.deal_id)
    await retry(context, lease.deal_id)
    before = await rows(database, STEPS)
    assert [(row["number"], row["carried_from"]) for row in before] == [(1, None), (1, None), (2, 1), (3, 1)]
    await migrate(database_url, "0010")
    await migrate(database_url)
    assert await rows(database, STEPS) == before
