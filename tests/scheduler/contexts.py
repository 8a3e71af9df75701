"""Contexts for jobs that the test calls itself, without a runtime."""

from typing import Any, cast

from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from crm.catalog import Catalog
from crm.client import HubSpot
from pipeline.rulebook import read_by_rules, shipped_rulebook
from scheduler.context import JobContext
from scheduler.leadership import Leadership
from tests.factories import STAGE_NAMES
from tests.hubspot import catalog
from tests.processes import ended_process


def job_context(database: Database, **settings: Any) -> JobContext:
    """For jobs that make no call of HubSpot."""
    return JobContext(
        settings=Settings(**settings),
        database=database,
        crm=cast("HubSpot", None),
        catalog=cast("Catalog", None),
        clock=SystemClock(),
        stages=(),
    )


async def leading_context(database: Database, client: HubSpot, **settings: Any) -> JobContext:
    """Of a scheduler that leads for longer than the test takes, unless another one of its name takes over."""
    leadership = Leadership(database, holder="test", process=ended_process(), ttl_seconds=600)
    assert await leadership.tick()
    return context_under(leadership, database, client, **settings)


def context_under(leadership: Leadership, database: Database, client: HubSpot, **settings: Any) -> JobContext:
    """Of the scheduler that holds this lease."""
    return JobContext(
        settings=Settings(**settings),
        database=database,
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        stages=STAGE_NAMES,
        read_by_rules=read_by_rules(shipped_rulebook()),
        fence=leadership.fence or 0,
    )
