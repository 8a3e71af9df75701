"""The application and those who call it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from core.database import Database
from tests.api.application import BEARER, application, client_of, nowhere


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """What was logged."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def app(database: Database, tmp_path: Path) -> FastAPI:
    return application(database, tmp_path)


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Without a credential."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
def offline(tmp_path: Path) -> FastAPI:
    """The application when its database cannot be reached."""
    return application(nowhere(), tmp_path)


@pytest.fixture
async def nobody(offline: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Without a credential, where there is no database either."""
    async with client_of(offline) as client:
        yield client


@pytest.fixture
async def admin(offline: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """With the admin's token, which needs no database."""
    async with client_of(offline, **BEARER) as client:
        yield client
