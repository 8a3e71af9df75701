"""Whatever happens to the account, to HubSpot and to the schedulers: in the end the database is what HubSpot has."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import stamina
from hypothesis import HealthCheck, Phase, given, seed, settings

from core.database import Database
from crm import retries, token, wire
from scheduler import list_scan, recording
from tests.completeness.account import Account, account
from tests.completeness.comparing import compare
from tests.completeness.flights import WatchedTransport
from tests.completeness.operations import (
    CHANGES,
    DEPARTURES,
    FAULTS,
    QUIET_CHANGES,
    SETTLE_SECONDS,
    Operation,
    Program,
    programs,
)
from tests.completeness.playing import EMPTY, Player

DEALS = 12
PARTS = 4
EXAMPLES_A_PART = 50
SOAK_PARTS, SOAK_EXAMPLES_A_PART = 10, 500
# What a cache gives as an answer to another question, nobody can tell from the truth before the next reconcile.
UNDETECTABLE = frozenset({"duplicate_page"})


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Account]:
    with account(deals=DEALS) as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits are skipped and refusals rest for no time; lists are cut into few parts that are split all the same."""
    monkeypatch.setattr(wire, "CALL_SECONDS", wire.CALL_SECONDS)
    monkeypatch.setattr(token, "REFUSED_SECONDS", 0.0)
    monkeypatch.setattr(recording, "REFUSED_SECONDS", 0.0)
    monkeypatch.setattr(list_scan, "PARTS", 3)
    monkeypatch.setattr(list_scan, "READERS", 2)
    monkeypatch.setattr(list_scan, "SMALLEST_SHARE", 4_000)
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield


async def example(hubspot: Account, database_url: str, program: Program, counts: Counter[str]) -> None:
    """Play it, let it become quiet, compare."""
    hubspot.start_again(stale_bodies=len(program) % 3 == 0)
    database, transport = Database.connect(database_url, name="test", pool_size=2), WatchedTransport()
    await database.run(EMPTY)
    player = Player(hubspot, database, database_url, transport)
    try:
        await player.play(program)
        hubspot.advance(SETTLE_SECONDS + 5)
        await player.backfilled()
        await player.finish("settle")
        if not (player.changed & DEPARTURES or player.faults.keys() & UNDETECTABLE):
            assert await compare(database, hubspot.truth(), live_only=True) == []
            player.counts["complete without the reconcile"] += 1
        await player.finish("archive")
        await player.finish("reconcile")
        assert await compare(database, hubspot.truth()) == []
        counts.update(player.counts)
        counts["examples"] += 1
    finally:
        await player.close()
        await database.close()
        await transport.finish()


class Proof:
    """Examples of one part, in one event loop, and the count of what they met."""

    def __init__(self, hubspot: Account, database_url: str) -> None:
        self.counts: Counter[str] = Counter()
        self._hubspot = hubspot
        self._database_url = database_url

    def of(self, number: int, kinds: Sequence[str], changes: Sequence[str], random_seed: int) -> "Counter[str]":
        @seed(random_seed)
        @settings(
            max_examples=number, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        @given(programs(kinds, changes))
        def every(program: list[Operation]) -> None:
            random.seed(len(program))
            asyncio.run(example(self._hubspot, self._database_url, program, self.counts))

        every()
        return self.counts


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_missing_stale_or_twice(part: int, hubspot: Account, database_url: str, tmp_path: Path) -> None:
    proof = Proof(hubspot, database_url)
    kinds = FAULTS[part::PARTS]
    proof.of(EXAMPLES_A_PART - 10, kinds, CHANGES, part)
    proof.of(10, kinds, QUIET_CHANGES, part)
    print("\n".join(f"{name:45} {count}" for name, count in sorted(proof.counts.items())))
