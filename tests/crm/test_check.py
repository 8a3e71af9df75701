"""`python -m crm check` reports each check in a sentence, and the result by its exit code."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from crm.properties import PROPERTIES
from crm.scopes import READING
from tests.crm.command import ACCOUNT, FORBIDDEN, WELL, command, properties, reply
from tests.crm.scripted_server import TOKEN, Reply
from tests.installation import ROOT, free_port


async def test_a_complete_account_is_reported_line_by_line(tmp_path: Path) -> None:
    """Account, scopes, properties, calls; exit code 0; the scopes are read from the documented path."""
    code, shown, server = await command("check", replies=WELL, folder=tmp_path)
    assert code == 0, shown
    for words in ("4711", "Europe/Berlin", "EUR", READING[0].name, "171 calls in 10 s", "900 of 1000", "23:00 UTC"):
        assert words in shown
    assert [request.split()[1].split("?")[0] for request in server.requests] == [
        "/account-info/2026-09/details",
        "/oauth/v2/private-apps/get/access-token-info",
        "/crm/properties/2026-09/0-3",
        "/account-info/2026-09/api-usage/daily/private-apps",
    ]
    assert orjson.loads(server.bodies[1]) == {"tokenKey": TOKEN.get_secret_value()}


@pytest.mark.parametrize(
    ("place", "instead", "words"),
    [
        (0, FORBIDDEN, "days are counted in UTC"),
        (1, reply({"scopes": [scope.name for scope in READING[1:]]}), f"Scope {READING[0].name} is missing"),
        (2, properties(*PROPERTIES[1:]), f"have no property {PROPERTIES[0]}"),
        (3, reply({"results": []}, **{"X-HubSpot-RateLimit-Daily-Remaining": "49"}), "Only 49 of 1000"),
    ],
)
async def test_every_problem_is_named_and_the_other_checks_still_run(
    tmp_path: Path, place: int, instead: Reply, words: str
) -> None:
    replies = [*WELL[:place], instead, *WELL[place + 1 :]]
    code, shown, server = await command("check", replies=replies, folder=tmp_path)
    assert code == 1
    assert words in shown
    assert len(server.requests) == len(WELL)


async def test_information_that_hubspot_does_not_report_is_no_problem(tmp_path: Path) -> None:
    """Scopes and usage that HubSpot does not report, and scopes that only write-back needs."""
    reported_less = [reply({"portalId": 4711}), Reply(404), properties(*PROPERTIES), Reply(404)]
    code, shown, _ = await command("check", replies=reported_less, folder=tmp_path)
    assert code == 0, shown
    assert "does not report the scopes" in shown
    assert "HubSpot reports no time zone." in shown
    reading = reply({"scopes": [scope.name for scope in READING]})
    code, shown, _ = await command("check", replies=[ACCOUNT, reading, *WELL[2:]], folder=tmp_path)
    assert code == 0, shown
    assert "crm.objects.deals.write is missing" in shown


async def test_an_account_in_an_unknown_time_zone_is_no_problem(tmp_path: Path) -> None:
    """Its deals are processed; the line says how their days are counted."""
    unknown = reply({"portalId": 4711, "timeZone": "Eastern Standard Time"})
    code, shown, _ = await command("check", replies=[unknown, *WELL[1:]], folder=tmp_path)
    assert code == 0, shown
    assert "time zone 'Eastern Standard Time' is unknown here. The account's days are counted in UTC." in shown


async def test_a_refused_token_is_reported_once(tmp_path: Path) -> None:
    refused = Reply(401, b'{"message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}')
    code, shown, server = await command("check", replies=[refused], folder=tmp_path)
    assert (code, len(server.requests), len(shown.splitlines())) == (1, 1, 1)
    assert "Check HUBSPOT_TOKEN" in shown


async def test_a_hubspot_that_is_out_of_reach_is_named_once(tmp_path: Path) -> None:
    """Every further step would meet the same."""
    port = free_port()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "crm", "check"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_TOKEN": "pat-x",
            "HUBSPOT_BASE_URL": f"http://127.0.0.1:{port}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("No connection to HubSpot") == 1
