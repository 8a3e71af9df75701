"""Claims a run, renews its lease, and checks that the lease is still ours."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.database import Database
from pipeline.runs.lease import CancelRequested, Lease, LeaseLost
from pipeline.runs.store import RunStore
from tests.factories import WORKER, expire, finish_step, one, queued_deal, rows, run_store, running_deal


async def test_a_queued_run_is_claimed_once(database: Database) -> None:
    """Of ten concurrent claims of one deal, one succeeds."""
    deal_id = await queued_deal(database)
    claims = await asyncio.gather(*(run_store(database).claim(deal_id, worker=f"w{n}") for n in range(10)))
    assert sum(lease is not None for lease in claims) == 1
    assert await one(database, "SELECT claims FROM pipeline_runs") == 1


@pytest.mark.parametrize(
    "state",
    [
        "status = 'QUEUED', reason = 'HELD'",
        "status = 'RETRYING', next_attempt_at = clock_timestamp() + interval '1 minute'",
        "status = 'RUNNING', lease_until = clock_timestamp() + interval '1 minute'",
        "status = 'DONE'",
        "status = 'CANCELLED'",
    ],
)
async def test_a_run_that_does_not_wait_is_not_claimed(database: Database, state: str) -> None:
    """Held, not yet due, held by another worker, or ended: nothing is written."""
    deal_id = await queued_deal(database)
    await rows(database, f"UPDATE pipeline_runs SET {state} RETURNING id")
    assert await run_store(database).claim(deal_id, worker=WORKER) is None
    assert await one(database, "SELECT epoch FROM pipeline_runs") == 0


async def test_a_run_is_resumed_at_its_first_unfinished_stage(database: Database) -> None:
    """The next worker gets the outputs of the finished stages and does not run those again."""
    first = await running_deal(database)
    await finish_step(database, first, 0)
    await finish_step(database, first, 1)
    await expire(database, first)
    second = await run_store(database).claim(first.deal_id, worker="other")
    assert second is not None
    assert (second.position, second.epoch) == (2, first.epoch + 1)
    assert second.outputs == {"fetch": {"stage": "fetch"}, "validate": {"stage": "validate"}}
    open_attempts = "SELECT count(*) FROM step_attempts WHERE ended_at IS NULL"
    assert await one(database, open_attempts) == 0


@pytest.mark.parametrize("statement", [RunStore.renew, RunStore.check], ids=lambda statement: statement.__name__)
async def test_a_lease_is_ours_until_another_worker_claims_the_run(
    database: Database, statement: Callable[[RunStore, Lease], Awaitable[None]]
) -> None:
    """A lease that has expired is lost only then. A cancel request is reported while the lease is ours."""
    runs = run_store(database)
    lease = await running_deal(database)
    await expire(database, lease)
    await statement(runs, lease)
    await rows(database, "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id")
    with pytest.raises(CancelRequested):
        await statement(runs, lease)
    await rows(database, "UPDATE pipeline_runs SET cancel_requested_at = NULL RETURNING id")
    await expire(database, lease)
    assert await runs.claim(lease.deal_id, worker="other") is not None
    with pytest.raises(LeaseLost, match=f"Run {lease.run_id} was taken over"):
        await statement(runs, lease)


async def test_only_a_renewal_extends_the_lease(database: Database) -> None:
    """By its whole duration from now; a check writes nothing."""
    lease = await running_deal(database)
    left = "SELECT extract(epoch FROM lease_until - now()) FROM pipeline_runs"
    await expire(database, lease)
    await run_store(database).check(lease)
    assert await one(database, left) < 0
    await run_store(database, 60).renew(lease)
    assert 50 < await one(database, left) <= 60
