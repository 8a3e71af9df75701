"""Clients of the API, an operation context and the queue of jobs, on the test's database."""

from collections.abc import AsyncIterator

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.queue import make_app
from tests import factories
from tests.api.graphql_client import graphql, offline_graphql
from tests.factories import STAGE_NAMES
from tests.statement_counter import StatementCounter

__all__ = ["graphql", "offline_graphql"]


@pytest.fixture
def context(database: Database) -> OperationContext:
    return OperationContext(database=database, actor="cli:ada", stages=STAGE_NAMES)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made


@pytest.fixture
async def counter(database: Database, monkeypatch: pytest.MonkeyPatch) -> StatementCounter:
    """Counts the statements on a database of 220 deals with two runs each."""
    counter = StatementCounter(database, monkeypatch)
    await factories.insert_full_queue(database, 220)
    return counter
