"""What must be true once all work has ended, whatever happened before."""

from typing import Any

from tests.installation import Installation, until

ALL_DONE = "SELECT count(*) AS n FROM deals WHERE status = 'DONE'"
STAGES = ["fetch", "validate", "associate", "deduplicate", "score", "write_back"]


def number_done(running: Installation) -> int:
    return int(running.rows(ALL_DONE)[0]["n"])


def assert_deals_match(running: Installation) -> None:
    """The database holds the same deals as the sandbox."""
    truth = running.truth()
    rows = running.rows("SELECT hubspot_deal_id, name, amount, hubspot_stage FROM deals")
    assert {row["hubspot_deal_id"]: _shown(row["name"], row["amount"], row["hubspot_stage"]) for row in rows} == {
        identifier: _shown(deal["dealname"], deal["amount"], deal["dealstage"]) for identifier, deal in truth.items()
    }


def _shown(name: str | None, amount: Any, stage: str) -> tuple[object, ...]:
    return (name or None, None if amount in (None, "") else float(amount), stage)


def assert_each_deal_was_processed_once(running: Installation) -> None:
    """Each deal has one run, which is DONE; every stage succeeded once, in order; the queue is empty."""
    deals = len(running.truth())
    runs = running.rows("SELECT deal_id, array_agg(status::text) AS status FROM pipeline_runs GROUP BY deal_id")
    assert len(runs) == deals
    assert all(run["status"] == ["DONE"] for run in runs)
    succeeded = running.rows(
        """SELECT run_id, array_agg(s.stage ORDER BY position) AS stages FROM step_attempts a
           JOIN steps s USING (run_id, position)
           WHERE a.ended_at IS NOT NULL AND a.error_type IS NULL GROUP BY run_id"""
    )
    assert len(succeeded) == deals
    assert all(run["stages"] == STAGES for run in succeeded), "a finished stage was repeated, or a stage is missing"
    # A job that a killed worker had fetched but not claimed is deleted once the worker's heartbeat is stale.
    until(lambda: not running.rows("SELECT 1 FROM procrastinate_jobs"), seconds=45, what="an empty queue")
