"""A real PostgreSQL for every test that uses data: one throw-away server per test process, a new database per test."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import sql

from core.address import Address
from core.database import Database
from core.settings import Settings
from crm.client import HubSpot
from deploy.postgres import Cluster, throwaway_cluster
from migrations.upgrade import migrate
from tests.crm.account import Account
from tests.folders import fastest_parent
from tests.hostile import alter, hostile_values
from tests.hubspot import Sandbox

TEMPLATE = "template_dealqueue"

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def no_dot_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests do not read the developer's `.env`."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running server of the release that the product embeds."""
    with throwaway_cluster(fastest_parent()) as running:
        yield running


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a migrated, empty database that tests clone."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    cluster.create_database(TEMPLATE)
    asyncio.run(migrate(cluster.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def empty_database_url(cluster: Cluster) -> Iterator[str]:
    """A database without any table."""
    yield from _temporary(cluster, None)


@pytest.fixture
def database_url(cluster: Cluster, template: str) -> Iterator[str]:
    """A migrated database for this test alone."""
    yield from _temporary(cluster, template)


@pytest.fixture
def hostile_url(cluster: Cluster, database_url: str) -> str:
    """The same database, which sets everything to something else than the product does."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        alter(connection, "DATABASE", Address.of(database_url).database, hostile_values(connection))
    return database_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """That database, connected as the product connects to it."""
    connected = Database.connect(database_url, name="test", pool_size=10)
    yield connected
    await connected.close()


def _temporary(cluster: Cluster, template: str | None) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    cluster.create_database(name, template=template)
    yield cluster.url(name)
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def client(hubspot: Sandbox) -> AsyncIterator[HubSpot]:
    """The product's client, connected to the sandbox that the `hubspot` fixture of the folder has started."""
    async with hubspot.client() as opened:
        yield opened


@pytest.fixture
def account(hubspot: Sandbox) -> Iterator[Account]:
    """A user who changes records in HubSpot during a test."""
    with Account(hubspot) as opened:
        yield opened
