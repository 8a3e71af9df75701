"""A scheduler's context without its clockwork: jobs are called by the test."""

from typing import Any

from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from crm.client import HubSpot
from scheduler.context import Context
from scheduler.leadership import Leadership
from tests.factories import STAGES_JSON
from tests.hubspot import catalog


async def leading_context(database: Database, client: HubSpot, **settings: Any) -> Context:
    """Of a scheduler that leads for as long as the test may take."""
    leadership = Leadership(database, holder="test", ttl_seconds=600)
    assert await leadership.tick()
    return Context(
        settings=Settings(**settings),
        database=database,
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        stages=STAGES_JSON,
        fence=leadership.fence or 0,
    )
