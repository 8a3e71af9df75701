"""Procrastinate on the test's database, and the operation context of the tests."""

from collections.abc import AsyncIterator

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.queue import make_app
from tests.factories import STAGE_NAMES
from tests.pipeline.operations.states import ADA


@pytest.fixture
def context(database: Database) -> OperationContext:
    return OperationContext(database=database, actor=ADA, stages=STAGE_NAMES)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made
