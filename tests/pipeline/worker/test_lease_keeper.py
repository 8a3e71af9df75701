"""How soon the keeper of a lease detects a silent network, and what a failed renewal means."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from core.database import Database
from core.direct import Statement
from core.errors import DatabaseUnavailable
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.store import RunStore
from pipeline.stages.stage import StageContext
from pipeline.worker.lease_keeper import keep_lease
from tests.crash.silent_proxy import proxied
from tests.factories import WORKER, run_store
from tests.pipeline.staging import deal_with, runner, stage

LEASE_SECONDS = 3.0
# To close a connection that does not answer, and for a machine that is busy. The connection's own limit is 15 s.
SLACK_SECONDS = 2.5
LAST_WORD = Statement("SELECT 'falls silent'")


@pytest.fixture
async def silenced(database_url: str) -> AsyncIterator[Database]:
    """The same database over a network that falls silent with the statement LAST_WORD."""
    with proxied(database_url, silent_from=b"falls silent") as network:
        far = Database.connect(network.database_url, name="far")
        yield far
        network.resume()
        await far.close()


async def _fall_silent(far: Database) -> None:
    asyncio.create_task(far.fetch(LAST_WORD, {})).add_done_callback(lambda said: said.cancelled() or said.exception())
    await asyncio.sleep(0.1)


async def _claimed(database: Database) -> Lease:
    lease = await run_store(database, LEASE_SECONDS).claim(await deal_with(database, "one"), worker=WORKER)
    assert lease is not None
    return lease


async def test_a_silent_network_is_detected_after_a_third_of_the_lease(database: Database, silenced: Database) -> None:
    """The lease is lost once it has expired; the connection's own limit is much longer."""
    lease = await _claimed(database)
    await silenced.fetch(Statement("SELECT 1"), {})
    await _fall_silent(silenced)
    began = time.monotonic()
    with capture_logs() as logs:
        keeping = asyncio.create_task(keep_lease(run_store(silenced, LEASE_SECONDS), lease))
        while not logs:
            await asyncio.wait({keeping}, timeout=0.05)
        assert time.monotonic() - began < 2 * LEASE_SECONDS / 3 + SLACK_SECONDS
        with pytest.raises(LeaseLost, match="has expired"):
            await keeping
    assert time.monotonic() - began < LEASE_SECONDS + SLACK_SECONDS
    assert {entry["event"] for entry in logs} == {"run.lease_not_renewed"}


async def test_a_stage_is_stopped_when_its_lease_has_expired_on_a_silent_network(
    database: Database, silenced: Database
) -> None:
    """Another worker may have claimed the run by then: the stage is stopped, and nothing more is written."""
    stopped_after: list[float] = []

    async def hang(_: StageContext) -> None:
        await _fall_silent(silenced)
        began = time.monotonic()
        try:
            await asyncio.Event().wait()
        finally:
            stopped_after.append(time.monotonic() - began)

    deal_id = await deal_with(database, "one")
    with capture_logs() as logs:
        await runner(silenced, stage("one", hang), lease_seconds=LEASE_SECONDS).process(deal_id)
    assert stopped_after[0] < LEASE_SECONDS + SLACK_SECONDS
    assert logs[-1]["event"] == "run.lease_lost"


class FullDisk(RunStore):
    """Every renewal fails."""

    async def renew(self, lease: Lease) -> None:
        raise DatabaseUnavailable(f"run {lease.run_id}: could not extend file: No space left on device")


class Outage(FullDisk):
    """Every statement of the keeper fails."""

    async def check(self, lease: Lease) -> None:
        await self.renew(lease)


async def test_a_full_disk_loses_no_lease(database: Database) -> None:
    """The renewal fails, and the check shows that the run is ours; another worker's claim would fail as well."""
    keeping = keep_lease(FullDisk(database, lease_seconds=0.3), await _claimed(database))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keeping, 1.5)


async def test_a_lease_that_can_neither_be_renewed_nor_checked_lasts_for_its_whole_duration(database: Database) -> None:
    """A shorter outage has no effect; a longer one loses the lease."""
    lease = await _claimed(database)
    began = time.monotonic()
    with pytest.raises(LeaseLost):
        await keep_lease(Outage(database, lease_seconds=1.0), lease)
    assert 0.9 < time.monotonic() - began < 1.0 + SLACK_SECONDS
