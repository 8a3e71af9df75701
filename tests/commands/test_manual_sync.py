"""`python -m scheduler --once` reports what came of the very sync that it ran, or that the leader ran for it."""

import re
from collections.abc import Callable, Mapping

import psycopg
import pytest

from scheduler.sync import manual_sync
from scheduler.sync.sync_jobs import tail
from tests.commands.leader import leading, serve_as_an_earlier_release
from tests.commands.started import start
from tests.completeness.account import Account

Environment = Mapping[str, str]
# The account has been read once: then `--once` reads what has changed since.
BACKFILLED = """
INSERT INTO sync_state (source, first_contact_at, watermark, tail_from, backfilled_at)
VALUES ('hubspot.deals', now(), now(), now(), now())"""
OPTIONS = {"--once": "Tail", "--backfill": "Backfill", "--reconcile": "Reconcile"}
SCOPE = "crm.objects.deals.read"


def no_fault(_: Account) -> None:
    """HubSpot is well, or is not reached at all."""


def refused(hubspot: Account) -> None:
    hubspot.configure(token_revoked=True)


def without_scope(hubspot: Account) -> None:
    hubspot.configure(missing_scopes=[SCOPE])


def used_up(hubspot: Account) -> None:
    hubspot.fault("daily_limit", "/crm/", times=None)


def failing(hubspot: Account) -> None:
    hubspot.fault("server_error", "/crm/", times=None)


# What is wrong with HubSpot; what is set; the sentence.
WRONG = [
    pytest.param(no_fault, {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"}, "No connection to HubSpot at 127.0", id="away"),
    pytest.param(refused, {}, "Check HUBSPOT_TOKEN: it may be mistyped", id="401"),
    pytest.param(without_scope, {}, f"the token lacks {SCOPE}.", id="403"),
    pytest.param(used_up, {}, "daily (limit|calls)", id="daily-limit"),
    pytest.param(failing, {}, "HubSpot answered 500", id="500"),
]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual_sync, "TICK_SECONDS", 0.02)


@pytest.mark.parametrize(("wrong", "settings", "sentence"), WRONG)
def test_a_sync_that_fails_is_exit_code_1_each_time(
    environment: Environment,
    hubspot: Account,
    wrong: Callable[[Account], None],
    settings: Environment,
    sentence: str,
) -> None:
    """With the reason, once. Equal failures share one row of sync_runs; each is a failure nevertheless."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(BACKFILLED)
    wrong(hubspot)
    for option in ("--once", *OPTIONS):
        done = start(f"scheduler {option}", {**environment, **settings})
        assert done.code == 1, done.said
        assert f"{OPTIONS[option]} failed in " in done.said
        assert "no changes" not in done.said
        assert len(re.findall(sentence, done.said)) == 1, done.said


def test_a_sync_that_finds_nothing_says_so_each_time(environment: Environment) -> None:
    """Although it shares the row of the sync before it."""
    assert start("scheduler --once", environment).code == 0
    for _ in range(2):
        done = start("scheduler --once", environment)
        assert (done.code, re.sub(r"\d+\.\d", "…", done.said)) == (0, "Tail done in … s: no changes.")


def test_a_sync_that_the_leader_runs_is_reported_as_it_ended(environment: Environment, hubspot: Account) -> None:
    """Its success, and its failure: twice, because equal failures share a row."""
    with leading(environment):
        for option, kind in OPTIONS.items():
            done = start(f"scheduler {option}", environment)
            assert (done.code, "Another scheduler leads" in done.said) == (0, True), done.said
            assert f"{kind} done in " in done.said
        refused(hubspot)
        for option in ("--once", *OPTIONS):
            done = start(f"scheduler {option}", environment)
            assert (done.code, f"{OPTIONS[option]} failed in " in done.said) == (1, True), done.said
            assert "Check HUBSPOT_TOKEN" in done.said


def test_a_sync_that_the_leader_does_not_begin_has_failed(environment: Environment, hubspot: Account) -> None:
    """HubSpot has just refused the leader for want of a scope, so it calls HubSpot again in a minute only."""
    without_scope(hubspot)
    with leading(environment, before=tail):
        done = start("scheduler --once", environment)
    assert done.code == 1, done.said
    assert "It did not begin: less than a minute ago, HubSpot refused the last sync." in done.said
    assert done.said.count(SCOPE) == 1


def test_a_sync_of_an_earlier_release_is_not_taken_for_a_success(environment: Environment) -> None:
    """That release stores no result of a request; a result of an earlier request is not taken for it."""
    with leading(environment):
        assert start("scheduler --once", environment).code == 0
    with leading(environment, serve_as_an_earlier_release):
        done = start("scheduler --once", environment)
    assert (done.code, "does not say what came of it" in done.said) == (1, True), done.said
