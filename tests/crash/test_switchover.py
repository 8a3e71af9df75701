"""The primary becomes a standby, and the address of the database is moved to the new primary later."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from core.database import Database
from migrations.upgrade import migrate
from pipeline.stages.stage import StageContext
from tests.api.application import ADMIN_TOKEN, ORIGIN, application, client_of
from tests.crash.silent_proxy import ProxiedDatabase, proxied
from tests.crash.switchover import ServerPair, open_server_pair
from tests.pipeline.staging import deal_with, run_state, runner, stage

NAME = "switched"
SIGN_IN = {"token": ADMIN_TOKEN}


@pytest.fixture
def pair() -> Iterator[ServerPair]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with open_server_pair(NAME) as running:
        asyncio.run(migrate(running.first.cluster.url(NAME)))
        yield running


@pytest.fixture
def address(pair: ServerPair) -> Iterator[ProxiedDatabase]:
    """Leads to the first server, until a test moves it."""
    with proxied(pair.first.cluster.url(NAME)) as proxy:
        yield proxy


@pytest.fixture
async def database(address: ProxiedDatabase) -> AsyncIterator[Database]:
    connected = Database.connect(address.database_url, name="api", pool_size=8)
    yield connected
    await connected.close()


@pytest.mark.timeout(120)
async def test_after_a_switchover_every_process_writes_to_the_new_primary(
    pair: ServerPair, address: ProxiedDatabase, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight connections of the pool are on the old one, which answers every read; a run was in a stage."""
    monkeypatch.setattr("api.health.FRESH_SECONDS", 0.0)
    begun, finish, calls = asyncio.Event(), asyncio.Event(), []

    async def slow(context: StageContext) -> None:
        calls.append(context.idempotency_key)
        begun.set()
        await finish.wait()

    deal_id = await deal_with(database, "slow", "next")
    worker = runner(database, stage("slow", slow), stage("next"))
    working = asyncio.create_task(worker.process(deal_id))
    try:
        await begun.wait()
        # To draw an exception at a terminal takes seconds.
        with capture_logs():
            async with client_of(application(database, tmp_path)) as client:
                await _switch_and_sign_in(client, pair, address)
        finish.set()
        async with asyncio.timeout(20):
            await working
    finally:
        worker.drain()
    assert len(calls) == 1
    assert (await run_state(database))["steps"] == ["DONE 1", "DONE 1"]


async def _switch_and_sign_in(client: httpx.AsyncClient, pair: ServerPair, address: ProxiedDatabase) -> None:
    assert (await _sign_in(client), await _readiness(client)) == (204, 200)
    await asyncio.to_thread(pair.switch)
    assert (await _sign_in(client), await _readiness(client)) == (503, 503)
    # Each on a connection of its own.
    await asyncio.gather(*(client.get("/auth/session") for _ in range(8)))
    address.lead_to(pair.second.cluster.url(NAME))
    # The first write may meet a connection of before; it drops all of them.
    assert 204 in [await _sign_in(client), await _sign_in(client)]
    assert await _readiness(client) == 200


async def _sign_in(client: httpx.AsyncClient) -> int:
    """As a new browser."""
    answer = await client.post("/auth/session", json=SIGN_IN, headers={"Origin": ORIGIN})
    return answer.status_code


async def _readiness(client: httpx.AsyncClient) -> int:
    return (await client.get("/readyz")).status_code
