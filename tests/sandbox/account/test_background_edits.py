"""Lively mode: the sandbox edits and creates deals in the background."""

import time
from typing import Any

import httpx

from sandbox.account.background_edits import Pace
from sandbox.app import Options
from sandbox.testing import running
from tests.sandbox.clocks import Noon

FAST = Pace(edit_seconds=0.003, edits_per_creation=4)
BUSY = Options(burst=1_000_000, pace=FAST, lively=True)
STILL = Options(burst=1_000_000, pace=FAST, lively=False)
PATIENCE_SECONDS = 10


def truth(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/_sim/truth", trust_env=False).json()
    return found


def watch(url: str, deals: int) -> dict[str, Any]:
    """/_sim/truth as soon as it holds that many deals."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        seen = truth(url)
        if len(seen) >= deals:
            return seen
    raise AssertionError(f"There were never {deals} deals.")


def switch(url: str, *, on: bool = True) -> None:
    answer = httpx.post(f"{url}/_sim/lively", json={"on": on}, trust_env=False)
    assert answer.json() == {"on": on}


def test_new_deals_have_associated_records() -> None:
    """Their ids are higher, and they have companies, contacts and line items."""
    with running(deals=20, options=STILL) as sandbox:
        before = truth(sandbox.url)
        switch(sandbox.url)
        seen = watch(sandbox.url, 32)
        fresh = sorted(seen.keys() - before.keys(), key=int)
        assert int(fresh[0]) > max(map(int, before))
        query = f"limit=100&associations=companies,contacts,line_items&after={fresh[0]}"
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        answer = httpx.get(f"{sandbox.url}/crm/objects/2026-09/0-3?{query}", headers=headers, trust_env=False)
        around = {name for deal in answer.json()["results"] for name in deal.get("associations", {})}
        assert around == {"companies", "contacts", "line items"}


def test_existing_deals_are_edited() -> None:
    """Four edits for each new deal: stages and amounts change, and the modification time with them."""
    with running(deals=20, options=STILL) as sandbox:
        before = truth(sandbox.url)
        switch(sandbox.url)
        after = watch(sandbox.url, 32)
        moved = [deal for deal in before if after[deal]["lastModified"] > before[deal]["lastModified"]]
        assert moved
        assert any(after[deal]["dealstage"] != before[deal]["dealstage"] for deal in moved)
        assert any(after[deal]["amount"] != before[deal]["amount"] for deal in moved)
        still = [deal for deal in before if deal not in moved]
        assert all(after[deal] == before[deal] for deal in still)


def test_the_same_seed_makes_the_same_changes_in_the_same_order() -> None:
    """The same deals are created with the same ids."""
    created = []
    for _ in range(2):
        # Ids depend on the time of the start: two starts are equal when they have the same second.
        with running(deals=10, seed=5, clock=Noon(), options=BUSY) as sandbox:
            seen = watch(sandbox.url, 14)
            created.append([(deal, seen[deal]["dealname"]) for deal in sorted(seen, key=int)[:14]])
    assert created[0] == created[1]


def test_background_edits_can_be_switched_off_and_on() -> None:
    """So that a test can compare data."""
    with running(deals=10, options=BUSY) as sandbox:
        watch(sandbox.url, 12)
        switch(sandbox.url, on=False)
        still = truth(sandbox.url)
        time.sleep(20 * FAST.edit_seconds)
        assert truth(sandbox.url) == still
        switch(sandbox.url)
        watch(sandbox.url, len(still) + 1)


def test_a_still_sandbox_does_not_change() -> None:
    """Tests start with `--still`."""
    with running(deals=10, options=STILL) as sandbox:
        before = truth(sandbox.url)
        time.sleep(20 * FAST.edit_seconds)
        assert truth(sandbox.url) == before


def test_creations_stop_at_the_limit_and_edits_continue() -> None:
    """The limit keeps a long demonstration from filling the memory."""
    pace = Pace(edit_seconds=0.003, edits_per_creation=1, most_created=3)
    with running(deals=10, options=Options(pace=pace)) as sandbox:
        full = watch(sandbox.url, 13)
        time.sleep(20 * pace.edit_seconds)
        later = truth(sandbox.url)
        assert len(later) == 13
        assert later != full
