"""`python -m crm` as people start it: what is well and what is not, in sentences, with an exit code that says so."""

import asyncio
import os
import re
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from crm.properties import PROPERTIES, WRITTEN_PROPERTIES
from crm.scopes import READING, WRITING
from tests.crm.answering import TOKEN, Answering, Reply, served
from tests.installation import ROOT

CALLS = {
    "X-HubSpot-RateLimit-Max": "190",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    "X-HubSpot-RateLimit-Daily": "1000",
    "X-HubSpot-RateLimit-Daily-Remaining": "900",
}


def reply(body: object, **headers: str) -> Reply:
    return Reply(200, orjson.dumps(body), CALLS | headers)


def properties(*names: str, **types: str) -> Reply:
    written = {new.name: new.type for new in WRITTEN_PROPERTIES} | types
    return reply({"results": [{"name": name, "label": name, "type": written.get(name, "string")} for name in names]})


ACCOUNT = reply({"portalId": 4711, "timeZone": "Europe/Berlin", "companyCurrency": "EUR"})
SCOPES = reply({"userId": 1, "hubId": 4711, "appId": 2, "scopes": [scope.name for scope in (*READING, *WRITING)]})
USAGE = reply(
    {
        "results": [
            {
                "name": "private-apps-api-calls-daily",
                "currentUsage": 50,
                "usageLimit": 1000,
                "collectedAt": "2026-11-06T12:00:00Z",
                "resetsAt": "2026-11-06T23:00:00Z",
                "fetchStatus": "CACHED",
            }
        ]
    }
)
WELL = (ACCOUNT, SCOPES, properties(*PROPERTIES), USAGE)
WRITTEN = [new.name for new in WRITTEN_PROPERTIES]
FORBIDDEN = Reply(403, b'{"category":"MISSING_SCOPES"}')


async def command(*arguments: str, replies: Sequence[Reply], folder: Path) -> tuple[int, str, Answering]:
    """Exit code, everything that was shown, and the server with what it was asked."""
    async with served(*replies) as (url, server):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HUBSPOT_BASE_URL": url,
            "HUBSPOT_TOKEN": TOKEN.get_secret_value(),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "crm",
            *arguments,
            cwd=folder,
            env=environment,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        shown, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    assert "Traceback" not in shown.decode()
    assert "canary" not in shown.decode()
    return process.returncode, shown.decode(), server


async def test_an_account_that_is_well_is_told_in_lines(tmp_path: Path) -> None:
    """Account, scopes, properties, calls; exit code 0, and the token is asked about by the documented question."""
    code, shown, server = await command("check", replies=WELL, folder=tmp_path)
    assert code == 0, shown
    for words in ("4711", "Europe/Berlin", "EUR", READING[0].name, "171 in any 10 s", "900 of 1000", "23:00 UTC"):
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
        (0, FORBIDDEN, "403"),
        (1, reply({"scopes": [scope.name for scope in READING[1:]]}), f"Scope {READING[0].name} is missing"),
        (2, properties(*PROPERTIES[1:]), f"lack {PROPERTIES[0]}"),
        (3, reply({"results": []}, **{"X-HubSpot-RateLimit-Daily-Remaining": "49"}), "Only 49 of 1000"),
    ],
)
async def test_what_is_wrong_is_named_and_the_rest_is_still_told(
    tmp_path: Path, place: int, instead: Reply, words: str
) -> None:
    replies = [*WELL[:place], instead, *WELL[place + 1 :]]
    code, shown, server = await command("check", replies=replies, folder=tmp_path)
    assert code == 1
    assert words in shown
    assert len(server.requests) == len(WELL)


async def test_what_hubspot_does_not_tell_is_no_fault(tmp_path: Path) -> None:
    """The scopes of some tokens, the usage of some accounts, the scopes that only writing needs."""
    told_less = [reply({"portalId": 4711}), Reply(404), properties(*PROPERTIES), Reply(404)]
    code, shown, _ = await command("check", replies=told_less, folder=tmp_path)
    assert code == 0, shown
    assert "does not say which scopes" in shown
    reading = reply({"scopes": [scope.name for scope in READING]})
    code, shown, _ = await command("check", replies=[ACCOUNT, reading, *WELL[2:]], folder=tmp_path)
    assert code == 0, shown
    assert "crm.objects.deals.write is not there" in shown


async def test_a_refused_token_is_told_once(tmp_path: Path) -> None:
    refused = Reply(401, b'{"message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}')
    code, shown, server = await command("check", replies=[refused], folder=tmp_path)
    assert (code, len(server.requests), len(shown.splitlines())) == (1, 1, 1)
    assert "Check HUBSPOT_TOKEN" in shown


def test_without_a_token_it_says_so(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "crm", "check"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("HUBSPOT_TOKEN is not set.")


async def test_setup_creates_what_is_missing(tmp_path: Path) -> None:
    """As HubSpot's properties API takes it, in the group that every account has."""
    replies = [properties(*PROPERTIES, *WRITTEN[:2]), reply({"name": WRITTEN[2]}), reply({"name": WRITTEN[3]})]
    code, shown, server = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert code == 0, shown
    assert f"{WRITTEN[0]} exists." in shown
    assert f"{WRITTEN[3]} was created." in shown
    created = [orjson.loads(body) for body in server.bodies[1:]]
    assert [body["name"] for body in created] == WRITTEN[2:]
    assert {body["groupName"] for body in created} == {"dealinformation"}
    assert all(body["label"] and body["fieldType"] for body in created)


async def test_setup_again_changes_nothing(tmp_path: Path) -> None:
    code, shown, server = await command("setup", "--yes", replies=[properties(*WRITTEN)], folder=tmp_path)
    assert (code, len(server.requests)) == (0, 1), shown


async def test_setup_creates_nothing_unasked(tmp_path: Path) -> None:
    """Nobody is there to say yes."""
    code, shown, server = await command("setup", replies=[properties()], folder=tmp_path)
    assert (code, len(server.requests)) == (1, 1)
    assert f"{WRITTEN[0]} (number) does not exist yet." in shown


@pytest.mark.parametrize(
    ("answer", "code", "words", "calls"),
    [
        (Reply(409, b'{"message":"Property already exists"}'), 0, "exists.", 1),
        (Reply(400, b'{"message":"Bad name"}'), 1, "was not created", 1),
        (FORBIDDEN, 1, "was not created", 1),
        (Reply(502), 1, "Run this again", 1),
    ],
)
async def test_a_creation_that_fails_is_told_and_never_repeated(
    tmp_path: Path, answer: Reply, code: int, words: str, calls: int
) -> None:
    """After a 502 nobody knows whether it was done; to be there already is to be done."""
    replies = [properties(*WRITTEN[:-1]), answer]
    found, shown, server = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert (found, len(server.requests) - 1) == (code, calls), shown
    assert words in shown


async def test_a_property_of_another_type_is_told(tmp_path: Path) -> None:
    """What is written would be refused."""
    replies = [properties(*WRITTEN, dealqueue_score="string")]
    code, shown, _ = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert code == 1
    assert "its type is string, not number" in shown


def test_the_properties_are_those_that_the_stage_writes() -> None:
    """By name, in the source of the stage."""
    source = (ROOT / "pipeline" / "stages" / "payload.py").read_text()
    assert set(re.findall(r'"(dealqueue_\w+)"', source)) == set(WRITTEN)
