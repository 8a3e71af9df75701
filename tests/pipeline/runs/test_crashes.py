"""A run that kills its worker fails alone; an unavailable database counts as no crash."""

import asyncio

import pytest

from core.database import Database
from models.conditions import MOST_CRASHES
from pipeline.runs.lease import Lease
from tests.factories import INCARNATION, WORKER, expire, one, queued_deal, rows, run_store

# The tests' server was started a moment ago: with the real lease every expiry would count as caused by that start.
SHORT = 0.01
JOB = "SELECT j.queue_name FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id WHERE r.deal_id = {}"


async def claimed(database: Database, deal_id: int, worker: str = WORKER) -> Lease | None:
    return await run_store(database).claim(deal_id, worker=worker, incarnation=INCARNATION)


async def crash(database: Database, *deal_ids: int) -> None:
    """One worker dies with all of them."""
    for deal_id in deal_ids:
        assert await claimed(database, deal_id) is not None
    await run_store(database, SHORT).release(WORKER, INCARNATION)


async def test_a_run_that_kills_its_worker_is_quarantined_and_then_fails(database: Database) -> None:
    """From its 2nd crash on it is in the quarantine; after the 5th it is FAILED, with the reason and a sentence."""
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
    await run_store(database, SHORT).release(WORKER, INCARNATION)
    assert await rows(database, "SELECT status, reason, crashes FROM pipeline_runs") == [
        {"status": "FAILED", "reason": "CRASHED", "crashes": 5}
    ]
    assert await one(database, "SELECT status FROM deals") == "FAILED"
    assert await rows(database, "SELECT status, error_message FROM steps") == [
        {"status": "FAILED", "error_message": "Its worker died 5 times while it ran."}
    ]


async def test_a_run_that_kills_its_worker_fails_no_other_run(database: Database) -> None:
    """Twelve other runs are held by the worker each time it dies; only the one that kills it fails."""
    killer, *_ = [await queued_deal(database) for _ in range(13)]
    for _ in range(MOST_CRASHES):
        # Suspected runs are processed one at a time, the killer first; the others all at once.
        others = await rows(database, "SELECT deal_id FROM pipeline_runs WHERE crashes < 2 AND status = 'QUEUED'")
        await crash(database, killer, *(row["deal_id"] for row in others if row["deal_id"] != killer))
    assert await rows(database, "SELECT deal_id, status FROM pipeline_runs WHERE status <> 'QUEUED'") == [
        {"deal_id": killer, "status": "FAILED"}
    ]
    assert await one(database, "SELECT max(crashes) FROM pipeline_runs WHERE status = 'QUEUED'") == 2
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE status = 'QUEUED'") == 12


async def test_one_suspected_run_is_running_at_a_time(database: Database) -> None:
    """In the whole system, however many workers claim at once; the others are delivered again from the quarantine."""
    deals = [await queued_deal(database) for _ in range(8)]
    await rows(database, "UPDATE pipeline_runs SET crashes = 2 RETURNING id")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    leases = await asyncio.gather(*(claimed(database, deal_id, f"w{deal_id}") for deal_id in deals))
    assert sum(lease is not None for lease in leases) == 1
    postponed = [await run_store(database).postpone(deal_id, seconds=1) for deal_id in deals]
    assert postponed == [lease is None for lease in leases]
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'quarantine'") == 7
    assert await run_store(database).postpone(deals[-1], seconds=1) is False


async def test_a_lease_that_expired_while_the_database_was_down_is_no_crash(database: Database) -> None:
    """The server was started after the lease was last renewed."""
    lease = await claimed(database, await queued_deal(database))
    assert lease is not None
    await expire(database, lease)
    assert await run_store(database, 1e6).reap() == 1
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 0


@pytest.mark.parametrize("by", ["reaper", "restart"])
async def test_a_run_that_is_to_be_cancelled_is_not_requeued(database: Database, by: str) -> None:
    """Its worker died before it could cancel the run: the rescue does."""
    lease = await claimed(database, await queued_deal(database))
    assert lease is not None
    await rows(database, "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id")
    if by == "reaper":
        await expire(database, lease)
        await run_store(database).reap()
    else:
        await run_store(database).release(WORKER, INCARNATION)
    assert await rows(database, "SELECT r.status, d.status AS deal FROM pipeline_runs r, deals d") == [
        {"status": "CANCELLED", "deal": "CANCELLED"}
    ]


FETCH = "SELECT id FROM procrastinate_fetch_job_v2(ARRAY['deals', 'quarantine'], :worker)"


async def fetch_and_die(database: Database, incarnation: str, *, pruned: bool = False) -> None:
    """A worker fetches the next job and dies before it has claimed the run; another one may find that out first."""
    queue_worker = await one(database, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    store = run_store(database)
    holder = await store.holder_of(WORKER)
    replaced = holder.incarnation if holder else None
    await store.take_name(WORKER, incarnation=incarnation, process=None, replaced=replaced)
    await store.record_heartbeat(worker=WORKER, incarnation=incarnation, queue_workers=[queue_worker])
    await rows(database, FETCH, worker=queue_worker)
    if pruned:
        await rows(database, "DELETE FROM procrastinate_workers RETURNING id")
    else:
        await rows(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' RETURNING id")


@pytest.mark.parametrize("found_by", ["restart", "reaper", "reaper after Procrastinate has pruned the worker"])
async def test_a_run_whose_job_kills_each_worker_that_fetches_it_is_quarantined_and_then_fails(
    database: Database, found_by: str
) -> None:
    """Nothing was claimed: the death counts against the run whose job was being fetched."""
    deal_id = await queued_deal(database)
    queues = []
    for n in range(MOST_CRASHES):
        await fetch_and_die(database, f"incarnation {n}", pruned="pruned" in found_by)
        store = run_store(database)
        assert await (store.release(WORKER, f"incarnation {n}") if found_by == "restart" else store.reap()) == 1
        queues += [row["queue_name"] for row in await rows(database, JOB.format(deal_id))]
    assert queues == ["deals", "quarantine", "quarantine", "quarantine"]
    assert await rows(
        database, "SELECT r.status, r.reason, crashes, d.status AS deal FROM pipeline_runs r, deals d"
    ) == [{"status": "FAILED", "reason": "CRASHED", "crashes": 5, "deal": "FAILED"}]


async def test_a_worker_that_only_seemed_dead_as_it_fetched_a_job_clears_the_run(database: Database) -> None:
    """Its next heartbeat withdraws the suspicion."""
    await queued_deal(database)
    await fetch_and_die(database, "frozen")
    assert await run_store(database).reap() == 1
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 1
    await run_store(database).record_heartbeat(worker=WORKER, incarnation="frozen", queue_workers=[])
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 0


async def test_a_fetch_before_a_restart_of_the_database_is_no_crash(database: Database) -> None:
    """The restart may have ended the worker, or swallowed the answer."""
    await queued_deal(database)
    await fetch_and_die(database, "cut off")
    await rows(
        database, "UPDATE procrastinate_events SET at = pg_postmaster_start_time() - interval '1 s' RETURNING id"
    )
    assert await run_store(database).reap() == 1
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 0
