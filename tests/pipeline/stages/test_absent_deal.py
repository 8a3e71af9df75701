"""A deal counts as deleted only when HubSpot says so."""

from datetime import UTC, datetime

import pytest
import stamina
from structlog.testing import capture_logs

from core.database import Database
from crm.client import HubSpot
from crm.errors import ServerError
from models import RunReason
from pipeline.stages.fetch.fetch import STAGE
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client
from tests.hubspot import catalog
from tests.pipeline.stages.processing import Processing, skipped


async def test_a_deal_that_hubspot_does_not_have_is_not_processed(processing: Processing, account: Account) -> None:
    """SKIPPED when it is not in the recycle bin either."""
    skip = await skipped(processing, await processing.store(account.deal()), "4711")
    assert skip.reason is RunReason.NOT_FOUND
    assert "4711" in str(skip)


async def test_an_error_of_hubspot_does_not_make_a_deal_absent(
    client: HubSpot, database: Database, processing: Processing, account: Account
) -> None:
    """404 for the deal, then 502 for the recycle bin: the stage raises, and the run is retried later."""
    deal_id = await processing.store(account.deal())
    async with scripted_client(Reply(404), Reply(502)) as (failing, _):
        with stamina.set_testing(True), capture_logs(), pytest.raises(ServerError):
            await Processing(failing, catalog(client), database).run(STAGE, deal_id, "76", {}, now=datetime.now(UTC))
