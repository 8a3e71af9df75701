"""What a poll costs that finds nothing: one runs every few seconds, for years."""

from collections.abc import Iterator

import pytest

from core.database import Database
from scheduler.sync.sync_jobs import tail
from tests.factories import rows
from tests.hubspot import Sandbox, sandbox_process
from tests.scheduler.contexts import leading_context
from tests.statement_counter import StatementCounter

DEALS = 150
# Start of the row; read of state, rejects and cursor; write of cursor, state and fence; end of the row, and its merge.
# The statements of the shared rate budget are not counted: their number depends on time.
MOST_STATEMENTS = 9
# Once for each connection the driver reads our types, with JIT compilation switched off.
OF_THE_DRIVER = ("typeinfo_tree", "'jit'")


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS), "--search-per-second", "1000", "--burst", "10000") as sandbox:
        yield sandbox


async def _last_poll(database: Database, hubspot: Sandbox, counter: StatementCounter, *, touched: int = 0) -> list[str]:
    """What a poll sends after earlier polls have read every change."""
    async with hubspot.client() as client:
        context = await leading_context(database, client)
        await tail(context)
        hubspot.mutate(touch=touched)
        for _ in range(2):
            await tail(context)
        with counter.counting() as seen:
            await tail(context)
    return [one.strip() for one in seen.by_driver if not any(word in one for word in OF_THE_DRIVER)]


async def test_a_poll_that_finds_nothing_costs_nine_statements(
    database: Database, hubspot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted at the driver."""
    seen = await _last_poll(database, hubspot, StatementCounter(database, monkeypatch))
    assert len(seen) <= MOST_STATEMENTS, [one[:60] for one in seen]


async def test_a_page_of_unchanged_deals_costs_one_more(
    database: Database, hubspot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many deals are on it: all of them were modified within the overlap."""
    counter = StatementCounter(database, monkeypatch)
    seen = await _last_poll(database, hubspot, counter, touched=DEALS)
    last = (await rows(database, "SELECT seen, changed, new FROM sync_runs ORDER BY id DESC LIMIT 1"))[0]
    assert last["seen"] >= DEALS
    assert (last["new"], last["changed"]) == (0, 0)
    assert len(seen) <= MOST_STATEMENTS + 1, [one[:60] for one in seen]
