"""The runs that dead workers and lost jobs left behind are requeued."""

import pytest

from core.database import Database
from tests.factories import (
    INCARNATION,
    WORKER,
    done_deal,
    expire,
    finish_step,
    one,
    queued_deal,
    rows,
    run_store,
    running_deal,
)

OLD = "UPDATE pipeline_runs SET created_at = now() - interval '1 minute' RETURNING id"
STATE = """
SELECT r.status, d.status AS shown, r.worker, r.lease_until, s.status AS step, a.error_type
FROM pipeline_runs r JOIN deals d ON d.latest_run_id = r.id
LEFT JOIN steps s ON s.run_id = r.id AND s.position = 1
LEFT JOIN step_attempts a ON a.run_id = r.id AND a.position = 1
"""
REQUEUED = {
    "status": "QUEUED",
    "shown": "QUEUED",
    "worker": None,
    "lease_until": None,
    "step": "PENDING",
    "error_type": "WorkerLost",
}


async def test_the_reaper_requeues_a_run_whose_lease_has_expired(database: Database) -> None:
    """With a new job and a moved epoch, so that its worker can write nothing more."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    await expire(database, lease)
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    assert await run_store(database).reap() == 1
    assert await rows(database, STATE) == [REQUEUED]
    assert await one(database, "SELECT epoch FROM pipeline_runs") == lease.epoch + 1
    assert await one(database, "SELECT args->>'deal_id' FROM procrastinate_jobs") == str(lease.deal_id)
    resumed = await run_store(database).claim(lease.deal_id, worker="other")
    assert resumed is not None
    assert resumed.position == 1


async def test_the_reaper_leaves_other_runs_unchanged(database: Database) -> None:
    """Running under a valid lease, waiting, or ended."""
    await running_deal(database)
    await queued_deal(database)
    await done_deal(database)
    assert await run_store(database).reap() == 0


@pytest.mark.parametrize(
    "holder", [{"worker": "another", "incarnation": INCARNATION}, {"worker": WORKER, "incarnation": "second"}]
)
async def test_the_runs_of_a_dead_incarnation_are_requeued_and_no_others(
    database: Database, holder: dict[str, str]
) -> None:
    """At once, before the lease has expired; another worker keeps its run, and so does one of the same name."""
    own = await running_deal(database)
    await finish_step(database, own, 0)
    other = await queued_deal(database)
    await run_store(database).claim(other, **holder)
    await rows(database, "UPDATE procrastinate_jobs SET status = 'doing' RETURNING id")
    assert await run_store(database).release(WORKER, INCARNATION) == 1
    assert await rows(database, f"{STATE} WHERE d.id = {own.deal_id}") == [REQUEUED]
    jobs = f"SELECT status FROM procrastinate_jobs WHERE args->>'deal_id' = '{own.deal_id}'"
    assert await rows(database, jobs) == [{"status": "todo"}]
    assert await one(database, f"SELECT status FROM deals WHERE id = {other}") == "RUNNING"


async def test_the_sweep_requeues_a_run_without_a_job(database: Database) -> None:
    """Every QUEUED run that is not held should have one."""
    await queued_deal(database)
    await rows(database, OLD)
    assert await run_store(database).sweep() == 0
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    assert await run_store(database).sweep() == 1
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id") == 1


async def test_the_sweep_leaves_a_held_run_without_a_job(database: Database) -> None:
    """A held run waits for the decision of a person."""
    await queued_deal(database)
    await rows(database, OLD)
    await rows(database, "UPDATE pipeline_runs SET reason = 'HELD' RETURNING id")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    assert await run_store(database).sweep() == 0


async def test_a_job_that_a_dead_worker_had_fetched_is_delivered_again(database: Database) -> None:
    """Procrastinate would keep it `doing` indefinitely."""
    await queued_deal(database)
    await rows(
        database,
        """WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')
           RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = w.id FROM w RETURNING 1""",
    )
    assert await run_store(database).reap() == 1
    assert await rows(database, "SELECT status FROM procrastinate_jobs") == [{"status": "todo"}]
    assert await run_store(database).reap() == 0
