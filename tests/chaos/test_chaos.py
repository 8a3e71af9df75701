"""Everything at once, under load, from a fixed seed."""

import pytest

from tests.chaos.chaos_run import storm


@pytest.mark.timeout(300)
def test_a_minute_of_random_faults_loses_nothing_and_does_nothing_twice() -> None:
    """Kills, freezes, cut connections, restarts, crashes and repeated deliveries: each of them, in a minute."""
    report = storm(seed=7, seconds=60)
    assert report.take_overs > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 7])
def test_two_minutes_of_random_faults_lose_nothing_and_do_nothing_twice(seed: int) -> None:
    """The same for two minutes."""
    storm(seed=seed, seconds=120)
