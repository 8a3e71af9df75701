"""Procrastinate on the test's database."""

from collections.abc import AsyncIterator

import pytest
from procrastinate import App

from pipeline.queue import make_app


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    made = make_app(database_url, connections=2)
    async with made.open_async():
        yield made
