"""The sandbox's clock: frozen, advanced, and followed by everything that depends on time."""

import httpx

from sandbox.account.background_edits import Pace
from sandbox.app import Options
from sandbox.testing import Running, running
from tests.installation import until
from tests.sandbox.clocks import Noon
from tests.sandbox.conftest import connect

DEALS = "/crm/objects/2026-09/0-3"


def set_clock(api: httpx.Client, **wanted: object) -> dict[str, object]:
    shown: dict[str, object] = api.post("/_sim/clock", json=wanted).json()
    return shown


def test_a_frozen_clock_stands_still_and_can_be_advanced(own_api: httpx.Client) -> None:
    """By exactly the requested number of seconds."""
    frozen = set_clock(own_api, freeze=True)
    assert frozen["frozen"] is True
    assert own_api.get("/_sim/clock").json() == frozen
    assert set_clock(own_api, advance_seconds=0) == frozen
    stamps = [own_api.post("/_sim/mutate", json={"touch": 1}).json()["touched"] for _ in range(2)]
    truth = own_api.get("/_sim/truth").json()
    assert {truth[deal]["lastModified"] for (deal,) in stamps} == {frozen["now"]}


def test_timestamps_and_the_date_header_follow_the_clock() -> None:
    """A sync measures its windows by `Date`, so timestamps must come from the same clock."""
    with running(deals=3, clock=Noon()) as sandbox, connect(sandbox) as api:
        assert set_clock(api, freeze=True, advance_seconds=90) == {"now": "2026-11-02T12:01:30.000Z", "frozen": True}
        deal = api.get(DEALS, params={"limit": 1})
        assert deal.headers["Date"] == "Mon, 02 Nov 2026 12:01:30 GMT"
        path = f"{DEALS}/{deal.json()['results'][0]['id']}"
        assert api.patch(path, json={"properties": {"amount": "1"}}).json()["updatedAt"] == "2026-11-02T12:01:30.000Z"


def test_a_thawed_clock_continues_from_where_it_was_frozen() -> None:
    """It does not catch up on the time in between."""
    with running(deals=1, clock=Noon()) as sandbox, connect(sandbox) as api:
        set_clock(api, freeze=True, advance_seconds=3600)
        assert set_clock(api, freeze=False) == {"now": "2026-11-02T13:00:00.000Z", "frozen": False}


def test_a_test_in_the_same_process_advances_the_clock_directly(own_sandbox: Running, own_api: httpx.Client) -> None:
    """`running(...)` provides the clock."""
    own_sandbox.clock.freeze()
    before = own_api.get("/_sim/clock").json()["now"]
    own_sandbox.clock.advance(86_400)
    after = own_api.get("/_sim/clock").json()["now"]
    assert after[11:] == before[11:]
    assert after[:10] > before[:10]


def test_rate_limits_follow_the_clock(own_sandbox: Running, own_api: httpx.Client) -> None:
    """Ten seconds of the sandbox's clock, not of the machine's."""
    own_api.post("/_sim/config", json={"burst": 2})
    own_sandbox.clock.freeze()
    assert [own_api.get(DEALS).status_code for _ in range(3)] == [200, 200, 429]
    own_sandbox.clock.advance(10.1)
    assert own_api.get(DEALS).status_code == 200


def test_background_edits_follow_the_clock() -> None:
    """No edit has a later timestamp than the frozen clock; after an advance by an hour, an hour's edits are made."""
    options = Options(pace=Pace(edit_seconds=0.5, edits_per_creation=100), lively=True)
    with running(deals=20, options=options) as sandbox, connect(sandbox) as api:
        frozen = set_clock(api, freeze=True)["now"]
        assert max(deal["lastModified"] for deal in api.get("/_sim/truth").json().values()) <= str(frozen)
        moved = set_clock(api, advance_seconds=3600)["now"]
        # 7,200 edits are due, of which the first thousand are made at once.
        until(lambda: len(api.get("/_sim/truth").json()) == 30, seconds=10, what="a thousand edits")
        stamps = {deal["lastModified"] for deal in api.get("/_sim/truth").json().values()}
        assert moved in stamps
