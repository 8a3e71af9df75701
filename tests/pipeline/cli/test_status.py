"""`status` shows the queue, or the last runs of a deal."""

from core.database import Database
from tests.pipeline.cli.conftest import Command
from tests.pipeline.operations.states import failed_deal


async def test_an_idle_queue_is_one_sentence(command: Command) -> None:
    assert await command("status") == (0, "No run is active.")


async def test_a_deal_has_a_table_of_its_runs(database: Database, command: Command) -> None:
    """The newest first."""
    deal_id = (await failed_deal(database)).deal_id
    await command("retry", deal_id)
    code, table = await command("status", f"deal:{deal_id}")
    assert code == 0
    assert table.index("QUEUED") < table.index("FAILED")
