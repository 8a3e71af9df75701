"""What the account is made of is asked for once in a while, and by one of those who need it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from crm.budget.local import LocalBudget
from crm.catalog import MISS_SECONDS, PEOPLE_SECONDS, SCHEMA_SECONDS, Catalog
from crm.client import HubSpot
from crm.errors import Unauthorized
from tests.crm.account import Account
from tests.hubspot import Sandbox

OWNERS, PIPELINES = "GET /crm/owners/{version}", "GET /crm/pipelines/{version}/{type}"
PROPERTIES = "GET /crm/properties/{version}/{type}"
# Active owners and deactivated ones are two calls.
CALLS_FOR_OWNERS = 2
KENJI, ULRIKE = "79544102", "76001988"


class StillClock:
    """A clock that moves when it is told to."""

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


async def test_names_are_those_of_hubspot(catalog: Catalog) -> None:
    """Of owners who left as well."""
    assert await catalog.owner_name(KENJI) == "Kenji Watanabe"
    assert await catalog.owner_name(ULRIKE) == "Ulrike Brandt"
    won = await catalog.stage("default", "closedwon")
    assert won is not None
    assert won.label == "Closed Won"
    assert (await catalog.validation_rules())["amount"][0].rule_type == "MIN_NUMBER"


async def test_what_is_not_known_is_none(catalog: Catalog) -> None:
    """A stage belongs to one pipeline; in another one it is not known."""
    assert await catalog.owner_name("1") is None
    assert await catalog.stage("748115230", "closedwon") is None
    assert await catalog.stage("no such pipeline", "closedwon") is None
    assert await catalog.property("no_such_property") is None


async def test_a_hundred_who_ask_at_once_cost_one_call(catalog: Catalog, account: Account) -> None:
    before = account.calls(PIPELINES)
    stages = await asyncio.gather(*(catalog.stage("default", "closedwon") for _ in range(100)))
    assert {stage and stage.label for stage in stages} == {"Closed Won"}
    assert account.calls(PIPELINES) - before == 1


async def test_it_is_asked_again_when_it_is_old(catalog: Catalog, account: Account, clock: StillClock) -> None:
    """People after ten minutes, the schema after a day."""
    before = account.calls(OWNERS), account.calls(PROPERTIES)
    for wait in (0.0, PEOPLE_SECONDS - 1, 1.0, SCHEMA_SECONDS - PEOPLE_SECONDS):
        clock.seconds += wait
        await catalog.owner(KENJI)
        await catalog.property("amount")
    assert account.calls(OWNERS) - before[0] == 3 * CALLS_FOR_OWNERS
    assert account.calls(PROPERTIES) - before[1] == 2


async def test_somebody_new_is_looked_for_but_not_with_every_deal(
    catalog: Catalog, account: Account, clock: StillClock
) -> None:
    """An id that is not known asks again, once a minute at most."""
    before = account.calls(OWNERS)
    for _ in range(5):
        assert await catalog.owner("1") is None
    assert account.calls(OWNERS) - before == CALLS_FOR_OWNERS
    clock.seconds += MISS_SECONDS
    for _ in range(5):
        assert await catalog.owner("1") is None
    assert account.calls(OWNERS) - before == 2 * CALLS_FOR_OWNERS


async def test_who_gives_up_waiting_stops_nobody_else(catalog: Catalog) -> None:
    first = asyncio.create_task(catalog.owner_name(KENJI))
    second = asyncio.create_task(catalog.owner_name(KENJI))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "Kenji Watanabe"
    assert first.cancelled()


@pytest.mark.usefixtures("logs")
async def test_a_failure_is_everybodys_and_is_not_kept(hubspot: Sandbox, clock: StillClock) -> None:
    """The next one who asks tries again."""
    async with HubSpot(hubspot.url, lambda: SecretStr("pat-na1-wrong"), LocalBudget()) as stranger:
        catalog = Catalog(stranger, clock)
        outcomes = await asyncio.gather(*(catalog.owner(KENJI) for _ in range(3)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unauthorized}
        with pytest.raises(Unauthorized):
            await catalog.owner(KENJI)
