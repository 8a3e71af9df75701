"""A run that kills its worker is the only one to fail; a database that refuses is no crash."""

import asyncio

import pytest

from core.database import Database
from models.conditions import MOST_CRASHES
from pipeline.runs.lease import Lease
from tests.factories import WORKER, expire, one, queued_deal, rows, run_store

# The tests' server has only just been started; with the real lease every end of one would be its fault.
SHORT = 0.01
JOB = "SELECT j.queue_name FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id WHERE r.deal_id = {}"


async def claimed(database: Database, deal_id: int, worker: str = WORKER) -> Lease | None:
    return await run_store(database).claim(deal_id, worker=worker)


async def crash(database: Database, *deal_ids: int) -> None:
    """One worker dies with all of them."""
    for deal_id in deal_ids:
        assert await claimed(database, deal_id) is not None
    await run_store(database, SHORT).release_own(WORKER)


async def test_a_poison_deal_is_quarantined_and_then_failed(database: Database) -> None:
    """From its 2nd crash on in the other queue, after the 5th FAILED with the reason and a sentence."""
    deal_id = await queued_deal(database)
    queues = []
    for _ in range(MOST_CRASHES - 1):
        await crash(database, deal_id)
        queues.append(await one(database, JOB.format(deal_id)))
    assert queues == ["deals", "quarantine", "quarantine", "quarantine"]
    lease = await claimed(database, deal_id)
    assert lease is not None
    await rows(
        database,
        f"""INSERT INTO steps (run_id, position, stage, status, attempts, started_at)
            VALUES ({lease.run_id}, 0, 'fetch', 'RUNNING', 1, now()) RETURNING run_id""",
    )
    await run_store(database, SHORT).release_own(WORKER)
    assert await rows(database, "SELECT status, reason, crashes FROM pipeline_runs") == [
        {"status": "FAILED", "reason": "CRASHED", "crashes": 5}
    ]
    assert await one(database, "SELECT status FROM deals") == "FAILED"
    assert await rows(database, "SELECT status, error_message FROM steps") == [
        {"status": "FAILED", "error_message": "Its worker died 5 times while it ran."}
    ]


async def test_a_poison_deal_fails_no_neighbour(database: Database) -> None:
    """Twelve others run whenever it does; in the end it alone has failed."""
    poison, *innocent = [await queued_deal(database) for _ in range(13)]
    for _ in range(MOST_CRASHES):
        # The suspects run one at a time, the poison first; the others all at once.
        others = await rows(database, "SELECT deal_id FROM pipeline_runs WHERE crashes < 2 AND status = 'QUEUED'")
        await crash(database, poison, *(row["deal_id"] for row in others if row["deal_id"] != poison))
    assert await rows(database, "SELECT deal_id, status FROM pipeline_runs WHERE status <> 'QUEUED'") == [
        {"deal_id": poison, "status": "FAILED"}
    ]
    assert await one(database, "SELECT max(crashes) FROM pipeline_runs WHERE status = 'QUEUED'") == 2
    assert len(innocent) == 12


async def test_one_suspect_runs_at_a_time(database: Database) -> None:
    """In the whole system, however many claim at once; the others are brought again, in their own queue."""
    deals = [await queued_deal(database) for _ in range(8)]
    await rows(database, "UPDATE pipeline_runs SET crashes = 2 RETURNING id")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    leases = await asyncio.gather(*(claimed(database, deal_id, f"w{deal_id}") for deal_id in deals))
    assert sum(lease is not None for lease in leases) == 1
    brought = [await run_store(database).postpone(deal_id, seconds=1) for deal_id in deals]
    assert brought == [lease is None for lease in leases]
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'quarantine'") == 7
    assert await run_store(database).postpone(deals[-1], seconds=1) is False


async def test_a_lease_that_ended_while_the_database_was_down_is_no_crash(database: Database) -> None:
    """The server was started after the lease was last renewed."""
    lease = await claimed(database, await queued_deal(database))
    assert lease is not None
    await expire(database, lease)
    assert await run_store(database, 1e6).reap() == 1
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 0


@pytest.mark.parametrize("over", ["lease", "worker"])
async def test_a_run_to_be_cancelled_is_not_brought_back(database: Database, over: str) -> None:
    """Its worker died before it could end it: the rescue does."""
    lease = await claimed(database, await queued_deal(database))
    assert lease is not None
    await rows(database, "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id")
    if over == "lease":
        await expire(database, lease)
        await run_store(database).reap()
    else:
        await run_store(database).release_own(WORKER)
    assert await rows(database, "SELECT r.status, d.status AS deal FROM pipeline_runs r, deals d") == [
        {"status": "CANCELLED", "deal": "CANCELLED"}
    ]
