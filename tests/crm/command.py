"""`python -m crm` as a person starts it, with a HubSpot that sends the replies of the test."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from pathlib import Path

import orjson

from crm.properties import PROPERTIES, WRITTEN_PROPERTIES
from crm.scopes import READING, WRITING
from tests.crm.scripted_server import TOKEN, Reply, ScriptedServer, scripted_server
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


async def command(*arguments: str, replies: Sequence[Reply], folder: Path) -> tuple[int, str, ScriptedServer]:
    """The exit code, the output, and the server with its record of the requests."""
    async with scripted_server(*replies) as (url, server):
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
