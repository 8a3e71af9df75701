"""Whatever happens to the account, to HubSpot and to the schedulers: in the end the database is what HubSpot has."""

import os
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import stamina

from core.database import Database
from crm import retries, token, wire
from scheduler import list_scan, recording
from tests.completeness.account import Account, account
from tests.completeness.comparing import compare
from tests.completeness.flights import WatchedTransport
from tests.completeness.operations import (
    CHANGES,
    Chance,
    DEPARTURES,
    FAULTS,
    QUIET_CHANGES,
    SETTLE_SECONDS,
    Program,
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


async def fails(hubspot: Account, database_url: str, program: Program) -> str | None:
    """What is wrong in the end; None when nothing is."""
    try:
        await example(hubspot, database_url, program, Counter())
    except Exception as error:
        return "".join(traceback.format_exception_only(error))
    return None


async def smaller(hubspot: Account, database_url: str, program: Program) -> Program:
    """Without the operations that the failure does not need."""
    position = 0
    while position < len(program):
        shorter = [*program[:position], *program[position + 1 :]]
        if await fails(hubspot, database_url, shorter):
            program = shorter
        else:
            position += 1
    return program


async def prove(hubspot: Account, database_url: str, numbers: range, changes: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number in numbers:
        program = Chance(number, changes).program()
        try:
            await example(hubspot, database_url, program, counts)
        except Exception as error:
            error.add_note(f"Example {number}: {program}")
            if os.environ.get("SHRINK"):
                program = await smaller(hubspot, database_url, program)
                error.add_note(f"SMALLER: {program} {await fails(hubspot, database_url, program)}")
            raise
    return counts


@pytest.mark.timeout(100)
@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_is_missing_stale_or_twice(part: int, hubspot: Account, database_url: str) -> None:
    first = int(os.environ.get("FIRST", part * EXAMPLES_A_PART))
    counts = await prove(hubspot, database_url, range(first, first+EXAMPLES_A_PART), CHANGES)
    print("\n".join(f"{name:45} {count}" for name, count in sorted(counts.items())))
