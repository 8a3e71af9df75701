"""A command prints what was done, or why not, in one sentence; its exit code is for scripts."""

import getpass

from core.database import Database
from tests.factories import one, queued_deal
from tests.pipeline.cli.conftest import Command
from tests.pipeline.operations.states import failed_deal, held_deal, last_run

PAGES = ("https://app.hubspot.com/contacts/1/record/0-3/{}", "https://app-eu1.hubspot.com/contacts/1/deal/{}/?a=b")


async def test_a_deal_is_retried_cancelled_and_processed(database: Database, command: Command) -> None:
    """By our id, by HubSpot's, by the address of its page; a refusal is exit code 1."""
    deal_id = (await failed_deal(database)).deal_id
    hubspot_id = await one(database, "SELECT hubspot_deal_id FROM deals")
    assert await command("retry", deal_id) == (0, f"Run 2 of deal {deal_id} is queued, from associate.")
    assert await command("retry", hubspot_id) == (1, f"Run 2 of deal {deal_id} is queued.")
    assert await command("now", PAGES[0].format(hubspot_id)) == (0, f"Run 2 of deal {deal_id} goes before all others.")
    assert await command("cancel", PAGES[1].format(hubspot_id)) == (0, f"Run 2 of deal {deal_id} is cancelled.")
    assert await command("undo", deal_id) == (0, f"Run 3 of deal {deal_id} continues where run 2 was cancelled.")
    assert (await last_run(database, deal_id))["requested_by"] == f"cli:{getpass.getuser()}"
    code, table = await command("status", deal_id)
    assert code == 0
    assert "CANCELLED" in table


async def test_the_queue_is_paused_and_resumed(database: Database, command: Command) -> None:
    """And `status` says so, with the person who paused it."""
    await queued_deal(database)
    await held_deal(database)
    assert (await command("pause"))[0] == 0
    code, printed = await command("status")
    assert (code, f"The queue is paused, by cli:{getpass.getuser()} since" in printed) == (0, True)
    assert "Active runs: 1 queued (held), 1 queued." in printed
    assert (await command("pause"))[0] == 1
    assert await command("resume") == (0, "The queue is resumed.")
    assert await command("approve") == (0, "1 held run approved.")
    assert await command("drop") == (1, "No run is held.")
    assert await command("ask", "sync") == (0, "A sync is requested. The leading scheduler runs it.")


async def test_what_cannot_be_meant_is_exit_code_2(command: Command) -> None:
    """A retry of nothing, two places to begin at, no deal; what names no deal is refused."""
    assert (await command("retry"))[0] == 2
    assert (await command("retry", 1, "--from-stage", "score", "--whole"))[0] == 2
    code, printed = await command("bulk", "start", "retry", 1, "--from-stage", "score", "--whole")
    assert (code, "Choose one of --from-stage and --whole." in printed) == (2, True)
    assert (await command("cancel"))[0] == 2
    assert await command("cancel", "nonsense") == (
        1,
        '"nonsense" names no deal. Give its id here, its id in HubSpot, or the address of its page in HubSpot.',
    )
