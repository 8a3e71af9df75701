"""Health: alive at once, ready when the database is."""

from pathlib import Path

import httpx
from sqlalchemy import text

from core.database import Database
from migrations.head import HEAD_REVISION
from tests.api.application import application, client_of


async def test_a_process_without_a_database_is_alive_but_not_ready(nobody: httpx.AsyncClient) -> None:
    """A supervisor need not restart it, a balancer should not send to it."""
    assert ((await nobody.get("/healthz")).status_code, (await nobody.get("/healthz")).json()) == (
        200,
        {"status": "alive"},
    )
    answer = await nobody.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "waiting")
    assert answer.json()["reason"] == "The database does not answer."


async def test_a_migrated_database_makes_it_ready(anyone: httpx.AsyncClient) -> None:
    """Nothing else is needed."""
    answer = await anyone.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_a_database_of_another_release_does_not(anyone: httpx.AsyncClient, database: Database) -> None:
    """It says which revision is there and which is needed."""
    await database.run(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = await anyone.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (
        503,
        f"The database is at revision older; this release needs {HEAD_REVISION}.",
    )


async def test_an_empty_database_does_not(empty_database_url: str, tmp_path: Path) -> None:
    """Until the migrations have run."""
    database = Database.connect(empty_database_url, name="test")
    async with client_of(application(database, tmp_path)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, "`python -m migrations` creates the tables" in answer.json()["reason"]) == (
            503,
            True,
        )
    await database.close()


async def test_the_database_is_not_asked_for_each_caller(anyone: httpx.AsyncClient, database: Database) -> None:
    """Anyone may ask; one answer is good for a second."""
    assert (await anyone.get("/readyz")).status_code == 200
    await database.run(text("UPDATE alembic_version SET version_num = 'older'"))
    assert (await anyone.get("/readyz")).status_code == 200
