"""An account that write-back can write to, and what the account holds of a deal afterwards."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from crm.properties import WRITTEN_PROPERTIES
from tests.crm.account import Account
from tests.hubspot import Sandbox, sandbox_process


@contextmanager
def prepared_account() -> Iterator[Sandbox]:
    """A sandbox with the `dealqueue_*` properties."""
    with sandbox_process("--deals", "5", "--burst", "10000") as sandbox:
        asyncio.run(_set_up(sandbox))
        yield sandbox


async def _set_up(sandbox: Sandbox) -> None:
    async with sandbox.client() as client:
        for new in WRITTEN_PROPERTIES:
            await client.create_property("0-3", new)


class DealInHubSpot:
    """Our properties of the deal in HubSpot, and its notes and tasks."""

    def __init__(self, account: Account, deal_id: str) -> None:
        self.deal = account.read("deals", deal_id, [new.name for new in WRITTEN_PROPERTIES])
        self.notes = [account.read("notes", one, ["hs_note_body"]) for one in account.linked(deal_id, "notes")]
        self.tasks = [account.read("tasks", one, ["hs_task_body"]) for one in account.linked(deal_id, "tasks")]

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.notes), len(self.tasks)
