"""`python -m scheduler --once` reports what came of the very sync that it ran, or that the leader ran for it."""

from collections.abc import Mapping

from tests.commands.started import start

AWAY = {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"}


def test_equal_failures_are_failures_each_time(environment: Mapping[str, str]) -> None:
    """Although they share one row of sync_runs."""
    for _ in range(3):
        done = start("scheduler --once", {**environment, **AWAY})
        assert done.code == 1, done.said
        assert "Tail failed in " in done.said
        assert "No connection to HubSpot at 127.0.0.1" in done.said
