"""The checks of the account before a worker processes its first deal."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.errors import ConfigurationError
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.errors import CrmError
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages.stage import StageSettings
from pipeline.worker.readiness import check_account
from sandbox.account.owners import ACTIVE_OWNERS, INACTIVE_OWNER
from tests.hubspot import Sandbox, catalog, sandbox_process
from tests.pipeline.stages.write_back.prepared_account import prepared_account

ON = StageSettings(write_back=True)


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with prepared_account() as sandbox:
        yield sandbox


async def test_an_account_with_our_properties_is_ready(client: HubSpot) -> None:
    await check_account(catalog(client), ON)


async def test_an_account_without_them_is_refused_at_the_start() -> None:
    """The error names the command that creates them; a dry run needs none."""
    with sandbox_process("--deals", "0") as bare:
        async with bare.client() as client:
            with pytest.raises(ConfigurationError, match=r"dealqueue_score.*python -m crm setup"):
                await check_account(catalog(client), ON)
            await check_account(catalog(client), StageSettings())


async def test_a_worker_starts_while_hubspot_is_unavailable() -> None:
    """Each write then reports what is wrong."""

    class Unavailable(Catalog):
        async def property(self, name: str) -> Any:
            raise CrmError(f"no {name}")

    with capture_logs() as logs:
        await check_account(Unavailable.__new__(Unavailable), ON)
    assert [entry["event"] for entry in logs] == ["account.not_checked"]


async def test_a_stage_that_hubspot_does_not_have_is_logged(client: HubSpot) -> None:
    """An admin may have removed it: its rules apply to no deal, and the worker starts."""
    required = {"required": {"default": {"contractsent": ["amount"], "gone": ["amount"]}}}
    requiring = Rulebook.model_validate({**shipped_rulebook().model_dump(), **required})
    with capture_logs() as logs:
        await check_account(catalog(client), StageSettings(rulebook=requiring))
    assert [(entry["event"], entry["stage"]) for entry in logs] == [("rules.stage_unknown", "gone")]


async def test_an_owner_that_hubspot_does_not_have_is_logged(client: HubSpot) -> None:
    """That owner is never suggested; a deactivated owner is known, and may be activated again."""
    route = {"*": [str(ACTIVE_OWNERS[0].id), "4711"], "default": [str(INACTIVE_OWNER.id)]}
    routing = Rulebook.model_validate({**shipped_rulebook().model_dump(), "route": route})
    with capture_logs() as logs:
        await check_account(catalog(client), StageSettings(rulebook=routing))
    logged = [(entry["event"], entry["log_level"], entry["pipeline"], entry["owner"]) for entry in logs]
    assert logged == [("rules.owner_unknown", "warning", "*", "4711")]


async def test_an_unknown_time_zone_is_logged_at_the_start(client: HubSpot, hubspot: Sandbox) -> None:
    """And the worker starts: it counts days in UTC."""
    hubspot.move_to("Nowhere Standard Time")
    with capture_logs() as logs:
        await check_account(catalog(client), StageSettings())
    hubspot.move_to("Europe/London")
    assert [entry["event"] for entry in logs] == ["account.time_zone_unknown"]
