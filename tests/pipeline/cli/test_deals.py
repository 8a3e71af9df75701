"""What people type: what was done or why not in one sentence, and an exit code that a script can go by."""

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
import structlog
from typer.testing import CliRunner

from core.database import Database
from pipeline.__main__ import app
from pipeline.operations.errors import AmbiguousDeal, NotFound
from pipeline.operations.find import find_deal
from tests.factories import deal_row, one, queued_deal, rows, store
from tests.pipeline.operations.states import failed_deal, held_deal, last_run

PAGES = ("https://app.hubspot.com/contacts/1/record/0-3/{}", "https://app-eu1.hubspot.com/contacts/1/deal/{}/?a=b")

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command in a thread, which has no event loop yet, as a process of its own would have none."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.output.strip()

    async def in_thread(*words: object) -> tuple[int, str]:
        return await asyncio.to_thread(run, *words)

    yield in_thread
    # A command silences the logs of its process, which here is that of all tests.
    structlog.reset_defaults()


async def test_a_deal_is_retried_cancelled_and_processed(database: Database, command: Command) -> None:
    """By our id, by HubSpot's, by the address of its page; a refusal is exit code 1."""
    deal_id = (await failed_deal(database)).deal_id
    hubspot_id = await one(database, "SELECT hubspot_deal_id FROM deals")
    assert await command("retry", deal_id) == (0, f"Run 2 of deal {deal_id} is queued, from associate.")
    assert await command("retry", hubspot_id) == (1, f"Run 2 of deal {deal_id} is queued.")
    assert await command("now", PAGES[0].format(hubspot_id)) == (0, f"Run 2 of deal {deal_id} goes before all others.")
    assert await command("cancel", PAGES[1].format(hubspot_id)) == (0, f"Run 2 of deal {deal_id} is cancelled.")
    assert await command("undo", deal_id) == (0, f"Run 3 of deal {deal_id} goes on where run 2 was.")
    assert (await last_run(database, deal_id))["requested_by"] == f"cli:{getpass.getuser()}"
    code, table = await command("status", deal_id)
    assert code == 0
    assert "CANCELLED" in table


async def test_the_queue_is_paused_and_resumed(database: Database, command: Command) -> None:
    """And `status` says so, with who it was."""
    await queued_deal(database)
    await held_deal(database)
    assert (await command("pause"))[0] == 0
    code, told = await command("status")
    assert (code, f"The queue is paused, by cli:{getpass.getuser()} since" in told) == (0, True)
    assert "Active runs: 1 queued (held), 1 queued." in told
    assert (await command("pause"))[0] == 1
    assert await command("resume") == (0, "The queue goes on.")
    assert await command("approve") == (0, "1 held run approved.")
    assert await command("drop") == (1, "No run is held.")
    assert await command("ask", "sync") == (0, "A sync was asked for. The leading scheduler does it.")


async def test_a_bulk_operation_is_started_watched_and_stopped(database: Database, command: Command) -> None:
    """By a filter; which one, its number says."""
    await failed_deal(database)
    assert await command("bulk", "start", "retry", "--status", "FAILED") == (
        0,
        "Bulk operation 1 has begun, with 1 deal.",
    )
    waiting = "Bulk operation 1 is running: 0 of 1 deals done, 0 refused, 1 waiting."
    assert await command("bulk", "show", 1) == (0, waiting)
    assert waiting in (await command("status"))[1]
    assert await command("bulk", "stop", 1) == (0, "Bulk operation 1 is cancelled; 1 deal was left alone.")
    assert await command("bulk", "stop", 1) == (1, "Bulk operation 1 is cancelled.")
    assert await command("bulk", "start", "cancel") == (1, "Say which deals: by their ids, or by a filter.")


async def test_what_cannot_be_meant_is_exit_code_2(command: Command) -> None:
    """A retry of nothing, a deal that nobody knows, two places to begin at."""
    assert (await command("retry"))[0] == 2
    assert (await command("retry", 1, "--from-stage", "score", "--whole"))[0] == 2
    code, told = await command("bulk", "start", "retry", 1, "--from-stage", "score", "--whole")
    assert (code, "Choose one of --from-stage and --whole." in told) == (2, True)
    assert (await command("cancel"))[0] == 2
    assert await command("cancel", "nonsense") == (
        1, "No deal has the id nonsense, here or in HubSpot. The sync may not have seen it yet."
    )  # fmt: skip


@pytest.mark.parametrize("words", [("retry", "--run"), ("bulk", "show"), ("bulk", "stop")])
@pytest.mark.parametrize(("number", "bound"), [(2**63, 2**63 - 1), (0, 1)])
async def test_a_number_that_nothing_can_have_is_exit_code_2(
    command: Command, words: tuple[str, ...], number: int, bound: int
) -> None:
    """With what is wrong with it, and not what the database's driver makes of it; the largest one is only not there."""
    code, told = await command(*words, number)
    assert (code, re.search(rf"Invalid value .* than or equal to[\W]+{bound}\b", told) is not None) == (2, True), told
    code, told = await command(*words, 2**63 - 1)
    assert (code, told.startswith("There is no ")) == (1, True), told


async def test_a_number_that_means_two_deals_is_refused(database: Database) -> None:
    """A wrong deal must not be cancelled; the address of the page is clear."""
    ours = await queued_deal(database)
    await store(database, deal_row(str(ours)))
    other = (await rows(database, "SELECT id FROM deals WHERE hubspot_deal_id = :id", id=str(ours)))[0]["id"]
    with pytest.raises(AmbiguousDeal, match=f"in HubSpot, which is {other} here"):
        await find_deal(database, str(ours))
    assert await find_deal(database, PAGES[0].format(ours)) == other


@pytest.mark.parametrize(
    "address",
    [
        "https://crm.example/contacts/1/deal/7123",
        "https://evilhubspot.com/contacts/1/deal/7123",
        "https://app.hubspot.com/contacts/1/contact/7123",
        "https://app.hubspot.com/contacts/1?from=/deal/7123",
    ],
)
async def test_an_address_of_something_else_is_no_deal(database: Database, address: str) -> None:
    """Though a number stands in it that is a deal's."""
    await store(database, deal_row("7123"))
    with pytest.raises(NotFound, match=re.escape(address)):
        await find_deal(database, address)
