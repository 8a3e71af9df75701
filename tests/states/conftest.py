"""The API over a real database, as in the tests of GraphQL; and the operation context of the tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.queue import make_app
from tests.api.application import BEARER, application, client_of
from tests.factories import STAGES_JSON
from tests.graphql.asking import Asker


@pytest.fixture
async def ask(database: Database, tmp_path: Path) -> AsyncIterator[Asker]:
    async with client_of(application(database, tmp_path), **BEARER) as client:
        yield Asker(client)


@pytest.fixture
def context(database: Database) -> OperationContext:
    return OperationContext(database=database, actor="cli:ada", stages=STAGES_JSON)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made
