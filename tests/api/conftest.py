"""The application, with and without its database, and clients with and without a credential."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from core.database import Database
from tests.api.application import BEARER, application, client_of, unreachable_database
from tests.api.graphql_client import graphql, logs, offline_graphql

__all__ = ["graphql", "logs", "offline_graphql"]


@pytest.fixture
def app(database: Database, tmp_path: Path) -> FastAPI:
    return application(database, tmp_path)


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Without a credential."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
def offline_app(tmp_path: Path) -> FastAPI:
    """The application while its database is unavailable."""
    return application(unreachable_database(), tmp_path)


@pytest.fixture
async def offline_anonymous(offline_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Without a credential and without a database."""
    async with client_of(offline_app) as client:
        yield client


@pytest.fixture
async def offline_admin(offline_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """With the admin's token, which is checked without the database."""
    async with client_of(offline_app, **BEARER) as client:
        yield client
