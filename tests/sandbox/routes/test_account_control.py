"""The control plane: truth, counts and requested changes, without a token."""

import httpx
import pytest

from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"


def open_client(api: httpx.Client) -> httpx.Client:
    return httpx.Client(base_url=api.base_url, trust_env=False)


def test_truth_agrees_with_the_api(own_api: httpx.Client) -> None:
    """Every deal with its modification time, including archived ones."""
    gone = own_api.post("/_sim/mutate", json={"archive": 2}).json()["archived"]
    with open_client(own_api) as anonymous:
        truth = anonymous.get("/_sim/truth").json()
    listed = own_api.get(DEALS, params={"limit": 100}).json()["results"]
    assert {deal for deal in truth if truth[deal]["archived"]} == set(gone)
    assert {deal["id"] for deal in listed} == truth.keys() - set(gone)
    for deal in listed:
        shown = deal["properties"]
        assert truth[deal["id"]] == {
            "lastModified": deal["updatedAt"],
            "archived": False,
            "archivedAt": None,
            "mergedInto": None,
            **{name: shown[name] for name in ("dealname", "amount", "dealstage", "pipeline")},
        }


def test_exactly_the_requested_number_of_changes_is_made(own_api: httpx.Client) -> None:
    """The response has their ids; no deal is edited twice."""
    before = own_api.get("/_sim/truth").json()
    done = own_api.post("/_sim/mutate", json={"create": 3, "edit": 20, "archive": 4}).json()
    after = own_api.get("/_sim/truth").json()
    assert [len(set(done[what])) for what in ("created", "edited", "archived")] == [3, 20, 4]
    assert set(done["created"]) == after.keys() - before.keys()
    assert {deal for deal in after if after[deal]["archived"]} == set(done["archived"])
    later = {deal for deal in before if after[deal]["lastModified"] > before[deal]["lastModified"]}
    assert later == set(done["edited"]) & before.keys()


def test_a_number_above_that_of_the_deals_means_all_deals(own_api: httpx.Client) -> None:
    """It does not wait for further deals."""
    assert len(own_api.post("/_sim/mutate", json={"edit": 500}).json()["edited"]) == 30
    assert len(own_api.post("/_sim/mutate", json={"archive": 500}).json()["archived"]) == 30
    assert own_api.post("/_sim/mutate", json={"edit": 1}).json()["edited"] == []


def test_calls_are_counted_by_route_and_status(fresh_api: httpx.Client) -> None:
    """By template, not by path, so that counts can be compared."""
    deal = fresh_api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
    fresh_api.get(f"{DEALS}/{deal}")
    fresh_api.get(f"{DEALS}/1")
    fresh_api.get("/nowhere")
    calls = fresh_api.get("/_sim/stats").json()["calls"]
    assert calls == {
        "GET (no route)": {"404": 1},
        "GET /crm/objects/{version}/{type}": {"200": 1},
        "GET /crm/objects/{version}/{type}/{id}": {"200": 1, "404": 1},
    }


def test_health_needs_no_token(api: httpx.Client, sandbox: Running) -> None:
    """It reports the number of deals and whether background edits are on."""
    with open_client(api) as anonymous:
        assert anonymous.get("/healthz").json() == {"status": "ok", "deals": 300, "lively": False}


@pytest.mark.parametrize("body", [{"create": -1}, {"create": "x"}, {"edit": 10**9}, {"archive": True}])
def test_invalid_changes_are_refused(api: httpx.Client, body: dict[str, object]) -> None:
    """With a 400, and nothing is changed."""
    assert api.post("/_sim/mutate", json=body).status_code == 400
    assert len(api.get("/_sim/truth").json()) == 300


def test_a_web_page_of_another_site_cannot_change_anything(api: httpx.Client) -> None:
    """A form cannot declare its body as JSON, and a script needs a preflight request."""
    answer = api.post("/_sim/mutate", content='{"archive": 5}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
