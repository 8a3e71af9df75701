"""One odd character, entry or version in an answer of HubSpot's makes no other part of it unreadable."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crm import paths
from crm.client import HubSpot
from crm.history import History
from crm.responses import read
from tests.crm.scripted_server import Reply, scripted_client

DATE = {"Date": "Sun, 01 Nov 2026 12:00:00 GMT"}
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


async def deal_names(client: HubSpot) -> Any:
    return [found["properties"]["dealname"] for found in (await client.read_deals(["7"])).records]


async def listed_names(client: HubSpot) -> Any:
    return [found["properties"]["dealname"] for found in (await client.list_deals()).records]


async def found_names(client: HubSpot) -> Any:
    page = await client.search_deals(modified_since=SINCE, after_id=0)
    return [found["properties"]["dealname"] for found in page.records]


async def one_name(client: HubSpot) -> Any:
    return [(await client.get_deal("7")).record.properties["dealname"]]


async def _each(answer: Awaitable[list[Any]], name: str) -> list[str]:
    return [getattr(found, name) for found in await answer][:1]


async def associated_ids(client: HubSpot) -> list[str]:
    return [found.id for found in (await client.associations(paths.DEALS, ["7"], paths.CONTACTS))["7"]]


RECORD = rb'{"id": "7", "properties": {"dealname": "half \uD83d"}}'
READERS: list[tuple[Callable[[HubSpot], Awaitable[Any]], bytes]] = [
    (deal_names, b'{"results": [' + RECORD + b"]}"),
    (listed_names, b'{"results": [' + RECORD + b"]}"),
    (found_names, b'{"total": 1, "results": [' + RECORD + b"]}"),
    (one_name, RECORD),
    (lambda client: _each(client.owners(), "name"), rb'{"results": [{"id": "7", "firstName": "half \ud83D"}]}'),
    (lambda client: _each(client.pipelines(), "label"), rb'{"results": [{"id": "7", "label": "half \udC00"}]}'),
    (
        lambda client: _each(client.properties("deals"), "label"),
        rb'{"results": [{"name": "a", "label": "half \udfff"}]}',
    ),
    (associated_ids, rb'{"results": [{"from": {"id": "7"}, "to": [{"toObjectId": "half \ud800"}]}]}'),
]


@pytest.mark.parametrize(("reader", "body"), READERS, ids=range(len(READERS)))
async def test_every_reader_reads_half_a_character_as_replaced(
    reader: Callable[[HubSpot], Awaitable[Any]], body: bytes
) -> None:
    """Search, list, batch, one deal, owners, pipelines, properties and associations."""
    async with scripted_client(Reply(200, body, DATE)) as (client, _):
        assert await reader(client) == ["half \ufffd"]


async def test_an_entry_of_a_page_that_is_no_record_is_a_record_without_an_id() -> None:
    body = b'{"total": 4, "results": [null, 7, "x", {"id": "8"}]}'
    async with scripted_client(Reply(200, body, DATE)) as (client, _):
        page = await client.search_deals(modified_since=SINCE, after_id=0)
    assert page.records == [{"entry": None}, {"entry": 7}, {"entry": "x"}, {"id": "8"}]


async def test_an_associated_record_without_a_readable_id_is_missing() -> None:
    """The others of its batch are read."""
    body = b'{"results": [{"id": null, "properties": {}}, 5, {"id": "8", "properties": {"email": ["x"]}}]}'
    async with scripted_client(Reply(200, body)) as (client, _):
        found = await client.batch_read(paths.CONTACTS, ["7", "8"], ("email",))
    assert ([record.id for record in found.records], found.missing) == (["8"], ["7"])
    assert (found.records[0].properties, found.records[0].unreadable) == ({"email": '["x"]'}, {"email": '["x"]'})


@pytest.mark.parametrize("history", [None, [], "x", {"dealstage": None}, {"dealstage": [None, 5, "x"]}])
def test_a_history_that_is_none_is_empty(history: Any) -> None:
    versions = read(History, {"propertiesWithHistory": history}).properties_with_history.get("dealstage", [])
    assert versions == []


def test_a_version_that_cannot_be_read_has_no_value() -> None:
    listed = [{"value": True, "timestamp": {}}, {"value": 5, "timestamp": 1793534400000}, {"value": "won"}]
    versions = read(History, {"propertiesWithHistory": {"dealstage": listed}}).properties_with_history["dealstage"]
    assert [(version.value, version.timestamp) for version in versions] == [
        (None, None), ("5", "1793534400000"), ("won", None)
    ]  # fmt: skip
