"""All kinds of faults at random, under load, from a fixed seed."""

import pytest

from tests.chaos.chaos_run import run_chaos


@pytest.mark.timeout(300)
def test_a_minute_of_random_faults_loses_nothing_and_does_nothing_twice() -> None:
    """Kills, freezes, cut connections, restarts, crashes and duplicate deliveries: each kind at least once."""
    report = run_chaos(seed=7, seconds=60)
    assert report.take_overs > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 7])
def test_two_minutes_of_random_faults_lose_nothing_and_do_nothing_twice(seed: int) -> None:
    """The same with two seeds."""
    run_chaos(seed=seed, seconds=120)
