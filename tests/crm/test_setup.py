"""`python -m crm setup` creates the properties of write-back that are missing, each once and only when confirmed."""

import re
from pathlib import Path

import orjson
import pytest

from crm.properties import PROPERTIES
from tests.crm.command import FORBIDDEN, WRITTEN, command, properties, reply
from tests.crm.scripted_server import Reply
from tests.installation import ROOT


async def test_setup_creates_what_is_missing(tmp_path: Path) -> None:
    """In the format of HubSpot's properties API, in the group that every account has."""
    replies = [properties(*PROPERTIES, *WRITTEN[:2]), reply({"name": WRITTEN[2]}), reply({"name": WRITTEN[3]})]
    code, shown, server = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert code == 0, shown
    assert f"{WRITTEN[0]} exists." in shown
    assert f"{WRITTEN[3]} was created." in shown
    created = [orjson.loads(body) for body in server.bodies[1:]]
    assert [body["name"] for body in created] == WRITTEN[2:]
    assert {body["groupName"] for body in created} == {"dealinformation"}
    assert all(body["label"] and body["fieldType"] for body in created)


async def test_a_second_setup_changes_nothing(tmp_path: Path) -> None:
    code, shown, server = await command("setup", "--yes", replies=[properties(*WRITTEN)], folder=tmp_path)
    assert (code, len(server.requests)) == (0, 1), shown


async def test_setup_creates_nothing_without_a_confirmation(tmp_path: Path) -> None:
    """Standard input is empty here."""
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
async def test_a_failed_creation_is_reported_and_not_retried(
    tmp_path: Path, answer: Reply, code: int, words: str, calls: int
) -> None:
    """After a 502 the outcome is unknown; a property that exists already is a success."""
    replies = [properties(*WRITTEN[:-1]), answer]
    found, shown, server = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert (found, len(server.requests) - 1) == (code, calls), shown
    assert words in shown


async def test_a_property_of_another_type_is_reported(tmp_path: Path) -> None:
    """HubSpot would refuse the values."""
    replies = [properties(*WRITTEN, dealqueue_score="string")]
    code, shown, _ = await command("setup", "--yes", replies=replies, folder=tmp_path)
    assert code == 1
    assert "its type is string, not number" in shown


def test_the_properties_are_those_that_the_stage_writes() -> None:
    """By name, in the source of the stage."""
    source = (ROOT / "pipeline" / "stages" / "write_back" / "hubspot_requests.py").read_text()
    assert set(re.findall(r'"(dealqueue_\w+)"', source)) == set(WRITTEN)
