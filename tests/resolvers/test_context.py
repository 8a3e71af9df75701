"""What the resolvers of one request share."""

from core.database import Database
from models import RunStatus
from resolvers.context import RequestContext
from resolvers.viewer import Role, Viewer
from tests import factories


def request_context(database: Database) -> RequestContext:
    return RequestContext(database, Viewer("ada", Role.VIEWER), "a-request", (), 5)


async def test_a_request_reads_a_deal_once_and_the_next_request_reads_it_again(database: Database) -> None:
    """Within one request all fields see the same state."""
    deal_id = await factories.insert_queued_deal(database)
    first = request_context(database)
    assert (await first.loaders.states.load(deal_id)).status is RunStatus.QUEUED
    await factories.insert_run(database, deal_id, RunStatus.DONE, factories.ALL_DONE, number=2)
    assert (await first.loaders.states.load(deal_id)).status is RunStatus.QUEUED
    assert (await request_context(database).loaders.states.load(deal_id)).status is RunStatus.DONE
