"""What a poll costs that finds nothing: it comes every few seconds, for years."""

from collections.abc import Iterator

import pytest

from core.database import Database
from scheduler.sync_jobs import tail
from tests.factories import rows
from tests.hubspot import Sandbox, sandbox_process
from tests.scheduler.leading import leading_context
from tests.statement_counter import StatementCounter

DEALS = 150
# The record begins; state, rejects, cursor are read; cursor, state, fence are written; the record ends, or is folded.
# The shared budget's question is not among them: how often it is asked, time decides.
MOST_STATEMENTS = 9
# The driver learns of our types, once for each connection, with its compiler held still meanwhile.
OF_THE_DRIVER = ("typeinfo_tree", "'jit'")


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS), "--search-per-second", "1000", "--burst", "10000") as sandbox:
        yield sandbox


async def _last_poll(database: Database, hubspot: Sandbox, counter: StatementCounter, *, touched: int = 0) -> list[str]:
    """What a poll sends when others have brought what there is."""
    async with hubspot.client() as client:
        context = await leading_context(database, client)
        await tail(context)
        hubspot.mutate(touch=touched)
        for _ in range(2):
            await tail(context)
        with counter.counting() as seen:
            await tail(context)
    return [one.strip() for one in seen.by_driver if not any(word in one for word in OF_THE_DRIVER)]


async def test_a_poll_without_news_costs_nine_statements(
    database: Database, hubspot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted at the driver."""
    seen = await _last_poll(database, hubspot, StatementCounter(database, monkeypatch))
    assert len(seen) <= MOST_STATEMENTS, [one[:60] for one in seen]


async def test_a_page_that_is_read_again_costs_one_more(
    database: Database, hubspot: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many deals are in it: all of them were modified within the overlap."""
    counter = StatementCounter(database, monkeypatch)
    seen = await _last_poll(database, hubspot, counter, touched=DEALS)
    last = (await rows(database, "SELECT seen, changed, new FROM sync_runs ORDER BY id DESC LIMIT 1"))[0]
    assert last["seen"] >= DEALS
    assert (last["new"], last["changed"]) == (0, 0)
    assert len(seen) <= MOST_STATEMENTS + 1, [one[:60] for one in seen]
