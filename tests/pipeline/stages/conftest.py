"""The stages against the sandbox, which runs as its own process, and a real database."""

from collections.abc import Iterator

import psycopg
import pytest

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from deploy.postgres import Cluster
from pipeline.stages import STAGES
from pipeline.worker.runner import Runner
from tests.factories import WORKER, run_store
from tests.hubspot import Sandbox, catalog, sandbox_process
from tests.pipeline.stages.processing import Processing


@pytest.fixture(scope="session")
def stages_database_url(cluster: Cluster, template: str) -> str:
    """A migrated database that all these tests share: a clone for each would take longer than the tests."""
    cluster.create_database("stages", template=template)
    return cluster.url("stages")


@pytest.fixture
def database_url(stages_database_url: str) -> str:
    """The shared database, emptied."""
    with psycopg.connect(stages_database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE deals, procrastinate_jobs, hubspot_answers CASCADE")
    return stages_database_url


@pytest.fixture(scope="session")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", "20", "--burst", "10000", "--search-per-second", "1000") as sandbox:
        yield sandbox


@pytest.fixture
def processing(client: HubSpot, database: Database) -> Processing:
    return Processing(client, catalog(client), database)


@pytest.fixture
def runner(database: Database, client: HubSpot) -> Runner:
    return Runner(
        database=database,
        runs=run_store(database),
        stages=STAGES,
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        worker=WORKER,
    )
