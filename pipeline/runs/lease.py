"""Claiming a run and keeping it. The lease and its epoch are the only proof that a worker may write to the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import stamina
from asyncpg import UniqueViolationError

from core.database import Database
from core.direct import Statement
from core.errors import DatabaseUnavailable, DealQueueError
from pipeline.runs.controls import PAUSED

# From so many crashes on, a run is suspected of killing its worker: no other suspect may run at the same time.
# The index uq_pipeline_runs_quarantined repeats the number.
QUARANTINE_CRASHES = 2


class LeaseLost(DealQueueError):
    """Another worker has the run now, or the reaper gave it back: nothing more may be written to it."""


class CancelRequested(DealQueueError):
    """Somebody has asked for the end of this run while it was under way."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to one run, as long as nobody else claims it (then `epoch` has moved)."""

    run_id: int
    deal_id: int
    hubspot_deal_id: str
    epoch: int
    priority: int
    stages: tuple[str, ...]
    crashes: int = 0
    # The first position that is not finished, and the stored outputs of those before it by stage key.
    position: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_quarantined(self) -> bool:
        return self.crashes >= QUARANTINE_CRASHES


# Two suspects that are claimed at the same moment do not see each other here; then the unique index decides.
_NO_OTHER_SUSPECT = f"""(r.crashes < {QUARANTINE_CRASHES} OR NOT EXISTS (
        SELECT FROM pipeline_runs AS o
        WHERE o.status = 'RUNNING' AND o.crashes >= {QUARANTINE_CRASHES} AND o.id <> r.id))"""

# A run is claimable when it waits and its time has come, or when the worker that has it gave no sign of life.
# What an earlier worker left open is closed here: an attempt without an end would look as if it still ran.
_CLAIM = Statement(f"""
WITH claimed AS (
    UPDATE pipeline_runs AS r
    SET status = 'RUNNING', reason = NULL, epoch = r.epoch + 1, claims = r.claims + 1, worker = :worker,
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds), next_attempt_at = NULL,
        started_at = coalesce(r.started_at, clock_timestamp())
    WHERE r.deal_id = :deal_id
      AND ((r.status IN ('QUEUED', 'RETRYING') AND r.reason IS DISTINCT FROM 'HELD'
            AND coalesce(r.next_attempt_at, '-infinity') <= clock_timestamp())
        OR (r.status = 'RUNNING' AND r.lease_until < clock_timestamp()))
      AND {_NO_OTHER_SUSPECT}
      AND NOT EXISTS ({PAUSED})
    RETURNING r.id, r.deal_id, r.number, r.epoch, r.claims, r.priority, r.stages, r.crashes
), shown AS (
    UPDATE deals AS d SET status = 'RUNNING', updated_at = clock_timestamp()
    FROM claimed AS c WHERE d.id = c.deal_id
    RETURNING d.hubspot_deal_id
), closed AS (
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = 'WorkerLost', error_message = 'Its worker gave no sign of life.'
    FROM claimed AS c WHERE c.claims > 1 AND a.run_id = c.id AND a.ended_at IS NULL
)
SELECT c.*, s.hubspot_deal_id FROM claimed AS c, shown AS s
""")  # noqa: S608 - constants of ours

# After the claim, never within it: a claim that waited for a lock sees the steps as they were before the wait.
_STEPS = Statement("SELECT position, stage, status, output FROM steps WHERE run_id = :run_id ORDER BY position")

_RENEW = Statement("""
UPDATE pipeline_runs SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE id = :run_id AND epoch = :epoch AND status = 'RUNNING' RETURNING cancel_requested_at
""")

_LOOK = Statement("""
SELECT cancel_requested_at FROM pipeline_runs WHERE id = :run_id AND epoch = :epoch AND status = 'RUNNING'
""")


_LOOK_AT_STEPS_SECONDS = 4.0


async def claim(database: Database, deal_id: int, *, worker: str, lease_seconds: float) -> Lease | None:
    """The deal's active run, claimed; None when there is none to claim (over, held, paused, not yet due, not ours)."""
    try:
        rows = await database.fetch(_CLAIM, {"deal_id": deal_id, "worker": worker, "lease_seconds": lease_seconds})
    except UniqueViolationError:
        # uq_pipeline_runs_quarantined: another suspect was a moment faster.
        return None
    if not rows:
        return None
    row = rows[0]
    lease = Lease(
        run_id=row["id"],
        deal_id=row["deal_id"],
        hubspot_deal_id=row["hubspot_deal_id"],
        epoch=row["epoch"],
        priority=row["priority"],
        stages=tuple(stage["key"] for stage in row["stages"]),
        crashes=row["crashes"],
    )
    # Only a deal's first run is sure to begin with nothing: a later one may carry over steps of an earlier one.
    return lease if row["claims"] == 1 and row["number"] == 1 else await _resumed(database, lease)


async def _resumed(database: Database, lease: Lease) -> Lease:
    # The claim is committed: who gave up here would leave the run without a worker until its lease is over.
    async for attempt in stamina.retry_context(on=DatabaseUnavailable, timeout=_LOOK_AT_STEPS_SECONDS):
        with attempt:
            steps = await database.fetch(_STEPS, {"run_id": lease.run_id})
    done = {step["stage"]: step["output"] for step in steps if step["status"] == "DONE"}
    return replace(lease, position=len(done), outputs=done)


async def renew(database: Database, lease: Lease, *, lease_seconds: float) -> None:
    """Keep the run for another `lease_seconds`; LeaseLost when it is no longer ours, CancelRequested when it ends."""
    parameters = {"run_id": lease.run_id, "epoch": lease.epoch, "lease_seconds": lease_seconds}
    _judge(lease, await database.fetch(_RENEW, parameters))


async def look(database: Database, lease: Lease) -> None:
    """The same question without a write."""
    _judge(lease, await database.fetch(_LOOK, {"run_id": lease.run_id, "epoch": lease.epoch}))


def _judge(lease: Lease, found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        raise LeaseLost(f"Run {lease.run_id} was taken over")
    if found[0]["cancel_requested_at"] is not None:
        raise CancelRequested(f"Run {lease.run_id} is to be cancelled")
