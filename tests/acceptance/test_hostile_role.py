"""The real processes, as a role and on a database that set everything to something else than the product does."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from core.session_settings import SessionSettings
from deploy.postgres import Cluster
from tests.hostile import alter, halves, hostile_values
from tests.hubspot import Sandbox
from tests.installation import Installation, installation, until

DEALS = 4
SECONDS = 60
# Everything but what counts rows or says when we have worked.
STORED = """
SELECT to_jsonb(d) - ARRAY['id', 'latest_run_id', 'created_at', 'updated_at', 'properties_read_at', 'recheck_at',
                           'list_read_at', 'checked_at'] AS deal,
    r.trigger::text, r.status::text, r.reason::text, r.crashes, r.priority,
    (SELECT jsonb_object_agg(s.stage, jsonb_build_array(s.status, s.output - ARRAY['read_at', 'requests']))
     FROM steps AS s WHERE s.run_id = r.id) AS steps
FROM deals AS d JOIN pipeline_runs AS r ON r.id = d.latest_run_id ORDER BY d.hubspot_deal_id
"""
SYNCED = "SELECT 1 FROM sync_runs WHERE outcome = 'DONE'"
FAILED_ONCE = f"SELECT 1 FROM step_attempts WHERE error_type IS NOT NULL HAVING count(DISTINCT run_id) = {DEALS}"
SCHEMA = "SELECT schemaname AS at FROM pg_tables WHERE tablename = 'deals'"
DONE = f"SELECT 1 FROM deals HAVING count(*) FILTER (WHERE status = 'DONE') = {DEALS}"


@pytest.fixture
def hostile_role(cluster: Cluster) -> Iterator[str]:
    """The URL of its database; half of what is hostile is set for the role, half for the database."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        role_values, database_values = halves(hostile_values(connection))
        connection.execute("CREATE ROLE hostile LOGIN")
        connection.execute("CREATE DATABASE hostile OWNER hostile")
        with psycopg.connect(cluster.url("hostile"), autocommit=True) as inside:
            inside.execute("CREATE SCHEMA elsewhere AUTHORIZATION hostile")
        alter(connection, "ROLE", "hostile", {**role_values, "search_path": "elsewhere"})
        alter(connection, "DATABASE", "hostile", database_values)
        yield cluster.url("hostile").replace("dealqueue@", "hostile@")
        connection.execute("DROP DATABASE hostile WITH (FORCE)")
        connection.execute("DROP ROLE hostile")


@pytest.fixture
def running(hostile_role: str) -> Iterator[Installation]:
    settings = {"SANDBOX_DEALS": "0", "SANDBOX_LIVELY": "false", "SYNC_INTERVAL_SECONDS": "1"}
    with installation(DATABASE_URL=hostile_role, **settings) as ready:
        yield ready


@pytest.mark.timeout(240)
def test_a_hostile_role_stores_what_the_usual_one_stores(
    running: Installation, cluster: Cluster, database_url: str
) -> None:
    """Every deal is done after a retry, in the same rows as by a worker and a scheduler with the usual role."""
    hubspot = Sandbox(f"http://127.0.0.1:{running.sandbox_port}")
    urls = (cluster.url("hostile"), database_url)
    hubspot.fault("cut_json", "POST", "associations", times=None)
    usual = {"DATABASE_URL": database_url, "WORKER_NAME": "usual"}
    with running.second("scheduler", **usual), running.second("pipeline", **usual):
        _wait_in(urls, SYNCED, "a sync")
        running.create_deals(DEALS)
        _wait_in(urls, FAILED_ONCE, "a retry of each deal")
        hubspot.heal()
        _wait_in(urls, DONE, "the end of all runs")
    stored, expected = (_rows(url, STORED) for url in urls)
    assert len(stored) == DEALS
    assert [_differences(found, wanted) for found, wanted in zip(stored, expected, strict=True)] == [{}] * DEALS
    assert _rows(urls[0], SCHEMA) == [{"at": "elsewhere"}]
    assert httpx.get(f"{running.url}/readyz", timeout=5).status_code == 200
    assert running.graphql("{ syncStatus { lastError } }") == {"syncStatus": {"lastError": None}}


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What is not the same, of the deal and of its run."""
    pairs = [{**row["deal"], **row["steps"], "run": {**row, "deal": {}, "steps": {}}} for row in (found, wanted)]
    return {key: [pair[key] for pair in pairs] for key in pairs[0] if pairs[0][key] != pairs[1][key]}


def _wait_in(urls: Sequence[str], query: str, what: str) -> None:
    for url in urls:
        until(partial(_rows, url, query), seconds=SECONDS, what=what)


def _rows(url: str, query: str) -> list[dict[str, Any]]:
    """Read by a superuser with the product's settings, and both places of the tables."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(SessionSettings(search_path="elsewhere, public").statement.encode())
        return connection.execute(query.encode()).fetchall()
