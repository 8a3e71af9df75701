"""The commands for people: a manual sync, held runs, a check of the account; with and without a scheduler."""

import re
from collections.abc import Iterator

import pytest

from tests.acceptance.final_state import number_done
from tests.installation import Installation, installation, until

DEALS = 25
NEW_DEALS = 30
HOLD_ABOVE = 10
HELD = "SELECT count(*) AS n FROM pipeline_runs WHERE reason = 'HELD' AND status = 'QUEUED'"
BACKFILLED = "SELECT 1 FROM sync_state WHERE backfilled_at IS NOT NULL"


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    """Its scheduler syncs once an hour: any other sync was requested."""
    settings = {
        "SANDBOX_DEALS": str(DEALS),
        "SANDBOX_LIVELY": "false",
        "SYNC_INTERVAL_SECONDS": "3600",
        "SYNC_HOLD_ABOVE": str(HOLD_ABOVE),
        "BACKFILL_PROCESS": "none",
    }
    with installation(**settings) as ready:
        until(lambda: ready.rows(BACKFILLED), seconds=30, what="the backfill")
        yield ready


def test_too_many_new_deals_are_held_until_they_are_approved(running: Installation) -> None:
    """A manual sync finds them; the runs above the limit have no job; approved, all are processed."""
    running.create_deals(NEW_DEALS)
    synced = running.run("scheduler", "--once")
    assert synced.returncode == 0, synced.stderr
    assert "Another scheduler leads" in synced.stdout
    assert re.search(rf"Tail done in [\d.]+ s: .*{NEW_DEALS} new, {NEW_DEALS - HOLD_ABOVE} held\.", synced.stdout)
    until(lambda: number_done(running) == HOLD_ABOVE, seconds=60, what="the end of the runs that were not held")
    assert running.rows(HELD)[0]["n"] == NEW_DEALS - HOLD_ABOVE
    status = running.graphql("{ syncStatus { heldDeals backfilled } }")["syncStatus"]
    assert status == {"heldDeals": NEW_DEALS - HOLD_ABOVE, "backfilled": True}
    approved = running.run("pipeline", "approve")
    assert approved.stdout.strip() == f"{NEW_DEALS - HOLD_ABOVE} held runs approved."
    until(lambda: number_done(running) == NEW_DEALS, seconds=60, what="the end of all runs")
    assert running.run("pipeline", "drop").stdout.strip() == "No run is held."


@pytest.mark.parametrize(("option", "kind"), [("--reconcile", "Reconcile"), ("--backfill", "Backfill")])
def test_all_deals_are_read_on_demand(running: Installation, option: str, kind: str) -> None:
    """The leading scheduler reads them; the summary states how many."""
    deals = len(running.truth())
    done = running.run("scheduler", option)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"{kind} done in [\d.]+ s: {deals} seen\.", done.stdout)


def test_only_one_kind_of_sync_can_be_chosen(running: Installation) -> None:
    """Anything else is refused in one sentence, with exit code 2."""
    done = running.run("scheduler", "--once", "--reconcile")
    assert (done.returncode, done.stderr) == (2, "Choose one of --once, --backfill and --reconcile.\n")


def test_the_account_is_checked_and_set_up(running: Installation) -> None:
    """Exit code 0 and no failed check; the properties of write-back are created once."""
    checked = running.run("crm", "check")
    assert checked.returncode == 0, checked.stdout
    assert "crm.objects.deals.read" in checked.stdout
    created = running.run("crm", "setup", "--yes")
    assert created.returncode == 0, created.stdout
    assert "dealqueue_score" in created.stdout
    assert running.run("crm", "setup", "--yes").returncode == 0


def test_without_a_scheduler_the_command_leads_itself(running: Installation) -> None:
    """It releases the lease at its end."""
    with running.frozen("scheduler"):
        running.change("UPDATE leases SET expires_at = now()")
        running.create_deals(1)
        synced = running.run("scheduler", "--once")
    assert synced.returncode == 0, synced.stdout + synced.stderr
    assert "Another scheduler" not in synced.stdout
    assert re.search(r"Tail done in [\d.]+ s: .*1 new\.", synced.stdout)
    again = "SELECT 1 FROM leases WHERE holder LIKE 'scheduler@%' AND expires_at > now()"
    until(lambda: running.rows(again), seconds=30, what="the resumed scheduler, leading again")
