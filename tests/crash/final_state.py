"""What must be true of every run once all work has ended, whatever happened before."""

from tests.crash.crash_environment import CrashEnvironment
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
UNION ALL SELECT 'attempts that do not match their number', s.run_id FROM steps s WHERE s.attempts <>
    (SELECT count(*) FROM step_attempts a WHERE a.run_id = s.run_id AND a.position = s.position)
"""
SUCCESSFUL_ATTEMPTS = """
SELECT r.id AS run_id, array_agg(s.stage ORDER BY a.ended_at, a.position) AS stages
FROM pipeline_runs r LEFT JOIN steps s ON s.run_id = r.id
LEFT JOIN step_attempts a ON a.run_id = s.run_id AND a.position = s.position
    AND a.ended_at IS NOT NULL AND a.error_type IS NULL
WHERE a.run_id IS NOT NULL GROUP BY r.id
"""
OBSERVED = "SELECT run_id, array_agg(stage ORDER BY id) AS stages FROM observed_ends GROUP BY run_id"
JOBS = "SELECT 1 FROM procrastinate_jobs"
ENDED_TWICE = """
SELECT coalesce(sum(n - 1), 0) AS n FROM (
    SELECT count(*) AS n FROM observed_ends GROUP BY run_id, position) AS ends WHERE n > 1
"""


def wait_until_all_done(environment: CrashEnvironment, *, seconds: float = 20) -> None:
    """Wait until every run is DONE and no job is left in any state."""
    done = "SELECT 1 FROM deals HAVING count(*) > 0 AND bool_and(status = 'DONE')"
    try:
        environment.until(lambda: environment.rows(done), seconds=seconds, what="the end of all runs")
        environment.until(lambda: not environment.rows(JOBS), seconds=10, what="an empty queue")
    except AssertionError as error:
        jobs = environment.rows("SELECT id, status, args, worker_id, scheduled_at FROM procrastinate_jobs LIMIT 5")
        raise AssertionError(f"{error}\nunfinished: {environment.rows(UNFINISHED)}\njobs: {jobs}") from None


def steps_done_twice(environment: CrashEnvironment) -> int:
    """How often a step that was DONE was set to DONE again."""
    return int(environment.rows(ENDED_TWICE)[0]["n"])


def assert_each_stage_once(environment: CrashEnvironment) -> None:
    """Every stage of every run succeeded once, in order, and nothing is unfinished."""
    runs = {row["id"] for row in environment.rows("SELECT id FROM pipeline_runs")}
    assert len(runs) == environment.rows("SELECT count(*) AS n FROM deals")[0]["n"]
    assert environment.rows(UNFINISHED) == []
    assert environment.rows(STUCK) == []
    expected = {run: list(STAGES) for run in runs}
    assert {row["run_id"]: row["stages"] for row in environment.rows(SUCCESSFUL_ATTEMPTS)} == expected
    assert {row["run_id"]: row["stages"] for row in environment.rows(OBSERVED)} == expected
    assert set(environment.external_system.calls) == {f"{run}:{stage}" for run in runs for stage in STAGES}
    assert set(environment.external_system.effects) == set(environment.external_system.calls)


def assert_each_effect_once(environment: CrashEnvironment) -> None:
    assert {key: count for key, count in environment.external_system.effects.items() if count != 1} == {}


def repeated_calls(environment: CrashEnvironment) -> int:
    """The number of outside calls that were repeated, each under the key of the first one."""
    return sum(environment.external_system.calls.values()) - len(environment.external_system.calls)
