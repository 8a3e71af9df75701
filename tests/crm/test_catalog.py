"""The catalog caches the account's data; simultaneous callers share one call."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
import stamina
from pydantic import SecretStr
from structlog.testing import capture_logs

from crm.budget.local import LocalBudget
from crm.catalog import MISS_SECONDS, OWNERS_SECONDS, SCHEMA_SECONDS, Catalog
from crm.client import HubSpot
from crm.errors import ServerError, Unauthorized
from tests.crm.account import Account
from tests.crm.scripted_server import TOKEN, Reply, scripted_server
from tests.hubspot import Sandbox

OWNERS, PIPELINES = "GET /crm/owners/{version}", "GET /crm/pipelines/{version}/{type}"
DETAILS = "GET /account-info/{version}/details"
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


@pytest.fixture
def moved(hubspot: Sandbox) -> Iterator[Sandbox]:
    """An account that a test may move to another time zone, or whose details it may hide."""
    yield hubspot
    hubspot.heal()
    hubspot.move_to("Europe/London")


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "US/Eastern", "Asia/Kolkata"])
async def test_the_time_zone_is_the_accounts(catalog: Catalog, account: Account, moved: Sandbox, zone: str) -> None:
    """Read once a day; HubSpot uses old names of the tz database as well."""
    moved.move_to(zone)
    before = account.calls(DETAILS)
    for _ in range(3):
        assert await catalog.time_zone() == ZoneInfo(zone)
    assert account.calls(DETAILS) - before == 1


@pytest.mark.parametrize(
    ("zone", "fault", "words"),
    [
        (None, None, "reports no time zone"),
        ("", None, "reports no time zone"),
        ("Eastern Standard Time", None, "'Eastern Standard Time' is unknown here"),
        ("Pacific/Auckland", "missing_scope", "cannot be read"),
        ("Pacific/Auckland", "not_found", "cannot be read"),
    ],
)
async def test_without_a_known_time_zone_days_are_those_of_utc(
    catalog: Catalog, clock: StillClock, moved: Sandbox, zone: str | None, fault: str | None, words: str
) -> None:
    """The log says it once; the account is asked again after ten minutes, so a repaired one needs no restart."""
    moved.move_to(zone)
    if fault:
        moved.fault(fault, "GET", "/account-info/", times=None)
    with capture_logs() as logged:
        assert await catalog.time_zone() is UTC
        clock.seconds += OWNERS_SECONDS
        assert await catalog.time_zone() is UTC
    (line,) = [line for line in logged if line["event"] == "account.time_zone_unknown"]
    assert words in line["problem"]
    assert "days are counted in UTC" in line["problem"]
    moved.heal()
    moved.move_to("Pacific/Auckland")
    assert await catalog.time_zone() is UTC
    clock.seconds += OWNERS_SECONDS
    assert await catalog.time_zone() == ZoneInfo("Pacific/Auckland")


async def test_a_passing_failure_is_not_taken_for_utc(catalog: Catalog, moved: Sandbox) -> None:
    """The caller tries again, as with everything else that HubSpot defines: a wrong zone would give wrong findings."""
    moved.move_to("Pacific/Auckland")
    moved.fault("server_error", "GET", "/account-info/", times=None)
    with stamina.set_testing(True, attempts=1), capture_logs(), pytest.raises(ServerError):
        await catalog.time_zone()
    moved.heal()
    assert await catalog.time_zone() == ZoneInfo("Pacific/Auckland")


async def test_a_property_of_type_date_holds_a_day() -> None:
    """Of those that are read; HubSpot's close date is a time, of which it shows the day."""
    definitions = [("closedate", "datetime"), ("hs_next_step", "date"), ("not_read", "date"), ("amount", "number")]
    body = {"results": [{"name": name, "label": name, "type": kind} for name, kind in definitions]}
    async with (
        scripted_server(Reply(200, orjson.dumps(body))) as (url, _),
        HubSpot(url, lambda: TOKEN, LocalBudget()) as client,
    ):
        assert await Catalog(client, StillClock()).date_properties() == {"hs_next_step"}


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
