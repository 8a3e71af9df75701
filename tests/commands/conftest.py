"""One database and one account for all commands of a file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import stamina

from core.settings import Settings
from crm import retries
from deploy.postgres import Cluster
from tests.completeness.account import Account, account

DEALS = 6


@pytest.fixture(scope="session")
def commands_database_url(cluster: Cluster, template: str) -> str:
    """A migrated database that all these tests share."""
    cluster.create_database("commands", template=template)
    return cluster.url("commands")


@pytest.fixture
def database_url(commands_database_url: str) -> str:
    """The shared database, emptied."""
    tables = "deals, procrastinate_jobs, controls, sync_runs, sync_state, sync_scans, leases, rate_budgets"
    with psycopg.connect(commands_database_url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}, bulk_operations, sync_rejects CASCADE")
    return commands_database_url


@pytest.fixture(scope="session")
def running_account() -> Iterator[Account]:
    with account(deals=DEALS) as running:
        yield running


@pytest.fixture
def hubspot(running_account: Account) -> Iterator[Account]:
    """The account as it was at its start; no retry of a call waits."""
    running_account.start_again()
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield running_account
    running_account.configure(missing_scopes=[], token_revoked=False)


@pytest.fixture
def environment(
    database_url: str, hubspot: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """The settings of a person whose database and account are available."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    return {
        "DATABASE_URL": database_url,
        "HUBSPOT_BASE_URL": hubspot.url,
        "HUBSPOT_TOKEN": hubspot.token,
        "LEADER_TTL_SECONDS": "600",
        "BACKFILL_PROCESS": "all",
    }
