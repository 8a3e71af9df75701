"""Somebody who asks."""

from collections.abc import AsyncIterator

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.audited import Asking
from pipeline.queue import make_app
from tests.factories import STAGES_JSON

ADA = "cli:ada"


@pytest.fixture
def asking(database: Database) -> Asking:
    return Asking(database=database, actor=ADA, stages=STAGES_JSON)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made
