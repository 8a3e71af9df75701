"""The API over a real database, and somebody who may ask it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.database import Database
from tests.api.application import BEARER, application, client_of, nowhere
from tests.graphql.asking import Asker


@pytest.fixture
async def ask(database: Database, tmp_path: Path) -> AsyncIterator[Asker]:
    async with client_of(application(database, tmp_path), **BEARER) as client:
        yield Asker(client)


@pytest.fixture
async def offline(tmp_path: Path) -> AsyncIterator[Asker]:
    """Asks an API whose database cannot be reached."""
    async with client_of(application(nowhere(), tmp_path), **BEARER) as client:
        yield Asker(client)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What was logged."""
    with capture_logs() as entries:
        yield entries
