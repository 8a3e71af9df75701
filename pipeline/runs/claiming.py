"""Claims a run, renews its lease, and checks that the lease is still ours."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import stamina
from asyncpg import UniqueViolationError

from core.direct import Statement
from core.errors import DatabaseUnavailable
from models.conditions import IS_PAUSED, has_expired, is_due, is_suspected, is_waiting
from models.stages import load_stages
from pipeline.runs.base import RunStatements
from pipeline.runs.lease import CancelRequested, Lease, LeaseLost
from pipeline.runs.sql import WORKER_LOST, closed_attempts, shown_on_deals

# Two suspected runs that are claimed at the same moment do not see each other here; then the unique index decides.
_NO_OTHER_SUSPECT = f"""(NOT {is_suspected()} OR NOT EXISTS (
        SELECT FROM pipeline_runs AS o WHERE o.status = 'RUNNING' AND {is_suspected("o")} AND o.id <> r.id))"""

# A run is claimable when it waits and its time has come, or when its worker's lease has expired.
_CLAIM = Statement(f"""
WITH claimed AS (
    UPDATE pipeline_runs AS r
    SET status = 'RUNNING', reason = NULL, epoch = r.epoch + 1, claims = r.claims + 1, worker = :worker,
        incarnation = :incarnation,
        lease_until = clock_timestamp() + make_interval(secs => :lease_seconds), next_attempt_at = NULL,
        started_at = coalesce(r.started_at, clock_timestamp())
    WHERE r.deal_id = :deal_id AND (({is_waiting()} AND {is_due()}) OR ({has_expired()}))
      AND {_NO_OTHER_SUSPECT} AND NOT {IS_PAUSED}
    RETURNING r.id, r.deal_id, r.number, r.epoch, r.claims, r.priority, r.stages, r.crashes, r.waits_for
), shown AS ({shown_on_deals("claimed", "status = 'RUNNING'", returning="d.hubspot_deal_id")}
), closed AS ({closed_attempts("claimed", error_type="WorkerLost", message=WORKER_LOST, where="r.claims > 1")}
)
SELECT c.*, s.hubspot_deal_id FROM claimed AS c, shown AS s
""")

# After the claim, never within it: a claim that waited for a lock sees the steps as they were before the wait.
_STEPS = Statement("SELECT position, stage, status, output FROM steps WHERE run_id = :run_id ORDER BY position")

_RENEW = Statement("""
UPDATE pipeline_runs SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE id = :run_id AND epoch = :epoch AND status = 'RUNNING' RETURNING cancel_requested_at
""")

_CHECK = Statement("""
SELECT cancel_requested_at FROM pipeline_runs WHERE id = :run_id AND epoch = :epoch AND status = 'RUNNING'
""")

_READ_STEPS_SECONDS = 4.0


class Claiming(RunStatements):
    async def claim(self, deal_id: int, *, worker: str, incarnation: str | None = None) -> Lease | None:
        """The deal's active run, claimed; None when it has none to claim (ended, held, paused, not yet due, taken).

        Without an `incarnation`, only the expiry of the lease gives the run of a dead worker back.
        """
        claimed_at = time.monotonic()
        values = {"deal_id": deal_id, "worker": worker, "incarnation": incarnation, "lease_seconds": self.lease_seconds}
        try:
            rows = await self._database.fetch(_CLAIM, values)
        except UniqueViolationError:
            # uq_pipeline_runs_quarantined: another suspected run was claimed a moment earlier.
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
            stages=tuple(stage.key for stage in load_stages(row["stages"])),
            crashes=row["crashes"],
            waited_for=row["waits_for"],
            claimed_at=claimed_at,
        )
        # Only a deal's first run certainly begins without steps: a later one may carry over steps of an earlier one.
        return lease if row["claims"] == 1 and row["number"] == 1 else await self._resumed(lease)

    async def _resumed(self, lease: Lease) -> Lease:
        # The claim is committed: without retries the run would wait until its lease has expired.
        async for attempt in stamina.retry_context(on=DatabaseUnavailable, timeout=_READ_STEPS_SECONDS):
            with attempt:
                steps = await self._database.fetch(_STEPS, {"run_id": lease.run_id})
        done = {step["stage"]: step["output"] for step in steps if step["status"] == "DONE"}
        return replace(lease, position=len(done), outputs=done)

    async def renew(self, lease: Lease) -> None:
        """Extend the lease. LeaseLost when the run is no longer ours, CancelRequested when it is to be cancelled."""
        values = {"run_id": lease.run_id, "epoch": lease.epoch, "lease_seconds": self.lease_seconds}
        _raise_unless_ours(lease, await self._database.fetch(_RENEW, values))

    async def check(self, lease: Lease) -> None:
        """The same without a write."""
        _raise_unless_ours(lease, await self._database.fetch(_CHECK, {"run_id": lease.run_id, "epoch": lease.epoch}))


def _raise_unless_ours(lease: Lease, found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        raise LeaseLost(f"Run {lease.run_id} was taken over")
    if found[0]["cancel_requested_at"] is not None:
        raise CancelRequested(f"Run {lease.run_id} is to be cancelled")
