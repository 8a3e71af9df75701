"""The sandbox's own clock: frozen, moved, and followed by everything that has to do with time."""

import httpx
import pytest

from sandbox.account.background_edits import Pace
from sandbox.app import Options
from sandbox.testing import Running, running
from tests.installation import until
from tests.sandbox.clocks import Noon
from tests.sandbox.conftest import connect

DEALS = "/crm/objects/2026-09/0-3"


def turn(api: httpx.Client, **wanted: object) -> dict[str, object]:
    shown: dict[str, object] = api.post("/_sim/clock", json=wanted).json()
    return shown


def test_a_frozen_clock_stands_and_can_be_moved(own_api: httpx.Client) -> None:
    """By exactly as much as was asked for."""
    frozen = turn(own_api, freeze=True)
    assert frozen["frozen"] is True
    assert own_api.get("/_sim/clock").json() == frozen
    assert turn(own_api, advance_seconds=0) == frozen
    stamps = [own_api.post("/_sim/mutate", json={"touch": 1}).json()["touched"] for _ in range(2)]
    truth = own_api.get("/_sim/truth").json()
    assert {truth[deal]["lastModified"] for (deal,) in stamps} == {frozen["now"]}


def test_stamps_and_the_date_header_follow_it() -> None:
    """A sync measures its windows by `Date`, so it is the clock that stamps records."""
    with running(deals=3, clock=Noon()) as sandbox, connect(sandbox) as api:
        assert turn(api, freeze=True, advance_seconds=90) == {"now": "2026-11-02T12:01:30.000Z", "frozen": True}
        deal = api.get(DEALS, params={"limit": 1})
        assert deal.headers["Date"] == "Mon, 02 Nov 2026 12:01:30 GMT"
        path = f"{DEALS}/{deal.json()['results'][0]['id']}"
        assert api.patch(path, json={"properties": {"amount": "1"}}).json()["updatedAt"] == "2026-11-02T12:01:30.000Z"


def test_it_runs_on_from_where_it_stood() -> None:
    """What it has missed is not made up for."""
    with running(deals=1, clock=Noon()) as sandbox, connect(sandbox) as api:
        turn(api, freeze=True, advance_seconds=3600)
        assert turn(api, freeze=False) == {"now": "2026-11-02T13:00:00.000Z", "frozen": False}


@pytest.mark.parametrize(
    "body", [{"advance_seconds": -1}, {"advance_seconds": "1"}, {"freeze": "yes"}, {"advance_seconds": 1e12}]
)
def test_it_never_goes_back(own_api: httpx.Client, body: dict[str, object]) -> None:
    """Nor is anything else taken that makes no sense."""
    assert own_api.post("/_sim/clock", json=body).status_code == 400


def test_a_test_in_the_same_process_moves_it_directly(own_sandbox: Running, own_api: httpx.Client) -> None:
    """`running(...)` hands it out."""
    own_sandbox.clock.freeze()
    before = own_api.get("/_sim/clock").json()["now"]
    own_sandbox.clock.advance(86_400)
    after = own_api.get("/_sim/clock").json()["now"]
    assert after[11:] == before[11:]
    assert after[:10] > before[:10]


def test_limits_follow_it(own_sandbox: Running, own_api: httpx.Client) -> None:
    """Ten seconds of it, not of the machine."""
    own_api.post("/_sim/config", json={"burst": 2})
    own_sandbox.clock.freeze()
    assert [own_api.get(DEALS).status_code for _ in range(3)] == [200, 200, 429]
    own_sandbox.clock.advance(10.1)
    assert own_api.get(DEALS).status_code == 200


def test_lively_mode_goes_by_it() -> None:
    """What was due before it stood still carries no later stamp; when it moves by an hour, an hour's work is done."""
    options = Options(pace=Pace(edit_seconds=0.5, edits_per_creation=100), lively=True)
    with running(deals=20, options=options) as sandbox, connect(sandbox) as api:
        frozen = turn(api, freeze=True)["now"]
        assert max(deal["lastModified"] for deal in api.get("/_sim/truth").json().values()) <= str(frozen)
        moved = turn(api, advance_seconds=3600)["now"]
        # 7,200 edits are due; the first thousand of them are done in one go.
        until(lambda: len(api.get("/_sim/truth").json()) == 30, seconds=10, what="a thousand edits")
        stamps = {deal["lastModified"] for deal in api.get("/_sim/truth").json().values()}
        assert moved in stamps
