"""The catalog caches the account's data; simultaneous callers share one call."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from crm.budget.local import LocalBudget
from crm.catalog import MISS_SECONDS, OWNERS_SECONDS, SCHEMA_SECONDS, Catalog
from crm.client import HubSpot
from crm.errors import Unauthorized
from tests.crm.account import Account
from tests.hubspot import Sandbox

OWNERS, PIPELINES = "GET /crm/owners/{version}", "GET /crm/pipelines/{version}/{type}"
PROPERTIES = "GET /crm/properties/{version}/{type}"
# One call for the active owners and one for the deactivated ones.
CALLS_FOR_OWNERS = 2
KENJI, ULRIKE = "79544102", "76001988"


class StillClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def catalog(client: HubSpot, clock: StillClock) -> Catalog:
    return Catalog(client, clock)


@pytest.fixture
def logs() -> Iterator[None]:
    with capture_logs():
        yield


async def test_names_come_from_hubspot(catalog: Catalog) -> None:
    """Those of deactivated owners too."""
    assert await catalog.owner_name(KENJI) == "Kenji Watanabe"
    assert await catalog.owner_name(ULRIKE) == "Ulrike Brandt"
    won = await catalog.stage("default", "closedwon")
    assert won is not None
    assert won.label == "Closed Won"
    assert (await catalog.validation_rules())["amount"][0].rule_type == "MIN_NUMBER"


async def test_unknown_ids_are_none(catalog: Catalog) -> None:
    """A stage belongs to one pipeline and is unknown in every other."""
    assert await catalog.owner_name("1") is None
    assert await catalog.stage("748115230", "closedwon") is None
    assert await catalog.stage("no such pipeline", "closedwon") is None
    assert await catalog.property("no_such_property") is None


async def test_a_hundred_simultaneous_callers_cost_one_call(catalog: Catalog, account: Account) -> None:
    before = account.calls(PIPELINES)
    stages = await asyncio.gather(*(catalog.stage("default", "closedwon") for _ in range(100)))
    assert {stage and stage.label for stage in stages} == {"Closed Won"}
    assert account.calls(PIPELINES) - before == 1


async def test_old_data_is_loaded_again(catalog: Catalog, account: Account, clock: StillClock) -> None:
    """Owners after ten minutes, the properties after a day."""
    before = account.calls(OWNERS), account.calls(PROPERTIES)
    for wait in (0.0, OWNERS_SECONDS - 1, 1.0, SCHEMA_SECONDS - OWNERS_SECONDS):
        clock.seconds += wait
        await catalog.owner(KENJI)
        await catalog.property("amount")
    assert account.calls(OWNERS) - before[0] == 3 * CALLS_FOR_OWNERS
    assert account.calls(PROPERTIES) - before[1] == 2


async def test_an_unknown_owner_is_looked_up_once_a_minute_at_most(
    catalog: Catalog, account: Account, clock: StillClock
) -> None:
    """A new owner is found, and an id that does not exist costs no call per deal."""
    before = account.calls(OWNERS)
    for _ in range(5):
        assert await catalog.owner("1") is None
    assert account.calls(OWNERS) - before == CALLS_FOR_OWNERS
    clock.seconds += MISS_SECONDS
    for _ in range(5):
        assert await catalog.owner("1") is None
    assert account.calls(OWNERS) - before == 2 * CALLS_FOR_OWNERS


async def test_a_cancelled_caller_does_not_cancel_the_others(catalog: Catalog) -> None:
    first = asyncio.create_task(catalog.owner_name(KENJI))
    second = asyncio.create_task(catalog.owner_name(KENJI))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "Kenji Watanabe"
    assert first.cancelled()


@pytest.mark.usefixtures("logs")
async def test_a_failure_reaches_all_callers_and_is_not_cached(hubspot: Sandbox, clock: StillClock) -> None:
    """The next caller tries again."""
    async with HubSpot(hubspot.url, lambda: SecretStr("pat-na1-wrong"), LocalBudget()) as stranger:
        catalog = Catalog(stranger, clock)
        outcomes = await asyncio.gather(*(catalog.owner(KENJI) for _ in range(3)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unauthorized}
        with pytest.raises(Unauthorized):
            await catalog.owner(KENJI)
