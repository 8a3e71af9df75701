"""What must be true of every run when all has come to rest, whatever happened before."""

from tests.crash.crash_environment import Ground
from tests.factories import STAGES

UNFINISHED = """
SELECT d.id, d.status, r.status AS run, r.reason, r.epoch, r.worker, j.status AS job
FROM deals d JOIN pipeline_runs r ON r.deal_id = d.id LEFT JOIN procrastinate_jobs j ON j.id = r.job_id
WHERE d.status <> 'DONE' OR r.status <> 'DONE' LIMIT 5
"""
STUCK = """
SELECT 'step' AS what, run_id FROM steps WHERE status <> 'DONE' OR ended_at IS NULL
UNION ALL SELECT 'attempt', run_id FROM step_attempts WHERE ended_at IS NULL
UNION ALL SELECT 'lease', id FROM pipeline_runs WHERE lease_until IS NOT NULL OR next_attempt_at IS NOT NULL
UNION ALL SELECT 'attempts without a number', s.run_id FROM steps s WHERE s.attempts <>
    (SELECT count(*) FROM step_attempts a WHERE a.run_id = s.run_id AND a.position = s.position)
"""
GOOD_ATTEMPTS = """
SELECT r.id AS run_id, array_agg(s.stage ORDER BY a.ended_at, a.position) AS stages
FROM pipeline_runs r LEFT JOIN steps s ON s.run_id = r.id
LEFT JOIN step_attempts a ON a.run_id = s.run_id AND a.position = s.position
    AND a.ended_at IS NOT NULL AND a.error_type IS NULL
WHERE a.run_id IS NOT NULL GROUP BY r.id
"""
OBSERVED = "SELECT run_id, array_agg(stage ORDER BY id) AS stages FROM observed_ends GROUP BY run_id"
JOBS = "SELECT 1 FROM procrastinate_jobs"
DOUBLE = """
SELECT coalesce(sum(n - 1), 0) AS n FROM (
    SELECT count(*) AS n FROM observed_ends GROUP BY run_id, position) AS ends WHERE n > 1
"""


def at_rest(ground: Ground, *, seconds: float = 20) -> None:
    """Wait until every run is DONE and no job is left, in whatever state."""
    done = "SELECT 1 FROM deals HAVING count(*) > 0 AND bool_and(status = 'DONE')"
    try:
        ground.until(lambda: ground.rows(done), seconds=seconds, what="the end of all runs")
        ground.until(lambda: not ground.rows(JOBS), seconds=10, what="an empty queue")
    except AssertionError as error:
        jobs = ground.rows("SELECT id, status, args, worker_id, scheduled_at FROM procrastinate_jobs LIMIT 5")
        raise AssertionError(f"{error}\nunfinished: {ground.rows(UNFINISHED)}\njobs: {jobs}") from None


def double_steps(ground: Ground) -> int:
    """How often a step that was DONE was ended as DONE once more."""
    return int(ground.rows(DOUBLE)[0]["n"])


def each_stage_once(ground: Ground) -> None:
    """Nothing lost, nothing twice, nothing out of order, nothing stuck."""
    runs = {row["id"] for row in ground.rows("SELECT id FROM pipeline_runs")}
    assert len(runs) == ground.rows("SELECT count(*) AS n FROM deals")[0]["n"]
    assert ground.rows(UNFINISHED) == []
    assert ground.rows(STUCK) == []
    expected = {run: list(STAGES) for run in runs}
    assert {row["run_id"]: row["stages"] for row in ground.rows(GOOD_ATTEMPTS)} == expected
    assert {row["run_id"]: row["stages"] for row in ground.rows(OBSERVED)} == expected
    assert set(ground.sink.calls) == {f"{run}:{stage}" for run in runs for stage in STAGES}
    assert set(ground.sink.effects) == set(ground.sink.calls)


def each_effect_once(ground: Ground) -> None:
    assert {key: count for key, count in ground.sink.effects.items() if count != 1} == {}


def repeated_calls(ground: Ground) -> int:
    """Outside calls that were made again, always under the key of the first."""
    return sum(ground.sink.calls.values()) - len(ground.sink.calls)
