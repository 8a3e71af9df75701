"""What is written to a deal, and the notes that it has already."""

import orjson
import pytest

from crm.client import HubSpot
from crm.errors import BadResponse
from crm.properties import TASK_PROPERTIES
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client

# HubSpot's type of the association of a note with a deal.
NOTE_TO_DEAL = 214


def associations(*ids: str, after: str | None = None) -> Reply:
    body: dict[str, object] = {"results": [{"toObjectId": identifier} for identifier in ids]}
    following = {} if after is None else {"paging": {"next": {"after": after, "link": "http://evil.example/"}}}
    return Reply(200, orjson.dumps(body | following))


async def test_only_our_own_properties_are_written() -> None:
    """The request is not sent."""
    async with scripted_client(Reply()) as (client, server):
        with pytest.raises(ValueError, match=r"not amount, dealname\."):
            await client.patch_deal("7", {"dealqueue_score": "80", "dealname": "Mine", "amount": "1"})
    assert server.requests == []


async def test_a_patch_reports_the_deal_that_it_changed() -> None:
    """Its id differs from the requested one when the deal was merged."""
    async with scripted_client(Reply(200, b'{"id": "9", "updatedAt": "2026-11-06T12:00:00Z"}')) as (client, server):
        patched = await client.patch_deal("7", {"dealqueue_score": "80"})
    assert (patched.id, patched.updated_at) == ("9", "2026-11-06T12:00:00Z")
    assert server.requests[0].startswith("PATCH /crm/objects/2026-09/0-3/7 ")
    assert orjson.loads(server.bodies[0]) == {"properties": {"dealqueue_score": "80"}}


async def test_a_created_note_is_among_the_notes_of_its_deal(client: HubSpot, account: Account) -> None:
    """A deal without notes has none."""
    deal_id, other = account.deal(), account.deal()
    to_deal = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_DEAL}
    body = {
        "properties": {"hs_timestamp": "2026-11-06T12:00:00Z", "hs_note_body": "Checked."},
        "associations": [{"to": {"id": deal_id}, "types": [to_deal]}],
    }
    note_id = await client.create_note(body)
    [note] = await client.notes_of_deal(deal_id)
    assert (note.id, note.properties["hs_note_body"]) == (note_id, "Checked.")
    assert await client.notes_of_deal(other) == []


async def test_all_pages_of_associations_are_read() -> None:
    """Each record once, by one batch read."""
    records: dict[str, object] = {"results": [{"id": identifier, "properties": {}} for identifier in ("1", "2", "3")]}
    replies = associations("1", "2", after="2"), associations("2", "3"), Reply(200, orjson.dumps(records))
    async with scripted_client(*replies) as (client, server):
        assert [task.id for task in await client.tasks_of_deal("7")] == ["1", "2", "3"]
    assert "after=2" in server.requests[1].splitlines()[0]
    sent = orjson.loads(server.bodies[2])
    assert sent == {"properties": list(TASK_PROPERTIES), "inputs": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}


async def test_a_repeated_page_of_associations_is_refused() -> None:
    """It would be an endless loop."""
    async with scripted_client(associations("1", after="1")) as (client, server):
        with pytest.raises(BadResponse, match="same page of associations"):
            await client.notes_of_deal("7")
    assert len(server.requests) == 2
