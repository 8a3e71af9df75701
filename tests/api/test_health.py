"""Health: alive at once, ready when the database is."""

from pathlib import Path

import httpx
from sqlalchemy import text

from core.database import Database
from migrations.head import HEAD_REVISION
from tests.api.application import application, client_of


async def test_a_process_without_a_database_is_alive_but_not_ready(offline_anonymous: httpx.AsyncClient) -> None:
    """A supervisor need not restart it; a load balancer should not send requests to it."""
    assert (
        (await offline_anonymous.get("/healthz")).status_code,
        (await offline_anonymous.get("/healthz")).json(),
    ) == (
        200,
        {"status": "alive"},
    )
    answer = await offline_anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "waiting")
    assert answer.json()["reason"] == "The database does not answer."


async def test_the_process_is_ready_on_a_migrated_database(anonymous: httpx.AsyncClient) -> None:
    """No other condition has to be met."""
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_the_process_is_not_ready_on_a_database_of_another_release(
    anonymous: httpx.AsyncClient, database: Database
) -> None:
    """The reason names the revision found and the one needed."""
    await database.run(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (
        503,
        f"The database is at revision older; this release needs {HEAD_REVISION}.",
    )


async def test_the_process_is_not_ready_on_an_empty_database(empty_database_url: str, tmp_path: Path) -> None:
    """Until the migrations have run."""
    database = Database.connect(empty_database_url, name="test")
    async with client_of(application(database, tmp_path)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, "`python -m migrations` creates the tables" in answer.json()["reason"]) == (
            503,
            True,
        )
    await database.close()


async def test_readiness_is_checked_at_most_once_a_second(anonymous: httpx.AsyncClient, database: Database) -> None:
    """/readyz needs no credential: it must not become load on the database."""
    assert (await anonymous.get("/readyz")).status_code == 200
    await database.run(text("UPDATE alembic_version SET version_num = 'older'"))
    assert (await anonymous.get("/readyz")).status_code == 200
