"""A connection pooler in session mode between the product and PostgreSQL changes nothing."""

from deploy.postgres import Cluster
from tests.crash.crash_environment import open_environment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, wait_until_all_done
from tests.crash.queued_deals import queue_deals
from tests.pooler import pooler

DEALS = 5


def test_a_worker_behind_a_session_pool_processes_deals(cluster: Cluster, database_url: str) -> None:
    """With pgbouncer's defaults: claims, steps, Procrastinate's fetches, and wake-ups by LISTEN."""
    name = database_url.partition("@/")[2].partition("?")[0]
    with pooler(cluster, "session") as base, open_environment(f"{base}{name}") as environment:
        environment.start_and_wait()
        queue_deals(environment.database_url, DEALS)
        wait_until_all_done(environment, seconds=30)
        assert_each_stage_once(environment)
        assert_each_effect_once(environment)
