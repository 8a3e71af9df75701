"""`status` shows the queue, or the last runs of a deal."""

from core.database import Database
from tests.pipeline.cli.conftest import Command
from tests.pipeline.operations.states import failed_deal
from tests.resolvers.test_waits_for import refused_deal


async def test_an_idle_queue_is_one_sentence(command: Command) -> None:
    assert await command("status") == (0, "No run is active.")


async def test_a_deal_has_a_table_of_its_runs(database: Database, command: Command) -> None:
    """The newest first."""
    deal_id = (await failed_deal(database)).deal_id
    await command("retry", deal_id)
    code, table = await command("status", f"deal:{deal_id}")
    assert code == 0
    assert table.index("QUEUED") < table.index("FAILED")


async def test_it_says_what_runs_wait_for(database: Database, command: Command) -> None:
    """For the whole queue, and in the table of a deal."""
    deal_id = await refused_deal(database)
    waits = "1 run waits for the scope crm.objects.contacts.read. Once HubSpot grants it, it continues by itself."
    assert await command("status") == (0, f"Active runs: 1 retrying.\n{waits}")
    assert "waits for" in (await command("status", f"deal:{deal_id}"))[1]
