"""All deals are read by id, and a page that is not the requested one is refused."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from crm.client import HubSpot
from crm.errors import BadResponse
from crm.history import History
from crm.properties import PROPERTIES
from crm.records import parse_deal
from tests.crm.account import Account
from tests.crm.scripted_server import Reply, scripted_client
from tests.hubspot import Sandbox

NOW = {"Date": "Fri, 06 Nov 2026 12:00:00 GMT"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page(ids: list[str | None], after: object = None) -> Reply:
    body: dict[str, object] = {"results": [{"id": identifier, "properties": {}} for identifier in ids]}
    following = {} if after is None else {"paging": {"next": {"after": after, "link": "http://evil.example/"}}}
    return Reply(200, orjson.dumps(body | following), NOW)


async def listed(client: HubSpot, *, archived: bool = False) -> list[int]:
    found: list[int] = []
    following: int | None = 0
    while following is not None:
        answer = await client.list_deals(after_id=following, limit=15, archived=archived)
        found += [int(record["id"]) for record in answer.records]
        following = answer.next_id
    return found


async def test_the_list_returns_every_live_deal_once(client: HubSpot, hubspot: Sandbox, account: Account) -> None:
    """By ascending id; archived deals only on request, with the time of archiving."""
    account.archive("deals", archived := account.deal())
    truth = {int(identifier): deal["archived"] for identifier, deal in hubspot.truth().items()}
    assert await listed(client) == sorted(identifier for identifier, gone in truth.items() if not gone)
    bin_page = await client.list_deals(archived=True)
    assert archived in {record["id"] for record in bin_page.records}
    assert all(parse_deal(record).archived_at for record in bin_page.records)


async def test_a_page_starts_with_the_requested_id(client: HubSpot) -> None:
    """So a scan can start at any id; the page includes HubSpot's time."""
    first = await client.list_deals(limit=3, properties=("dealname",))
    assert first.next_id is not None
    second = await client.list_deals(after_id=first.next_id, limit=1)
    assert int(second.records[0]["id"]) == first.next_id
    assert set(second.records[0]["properties"]) >= set(PROPERTIES)
    assert abs(second.server_time - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page(["100"], "100"), "does not advance"),
        (page(["100"], "99"), "does not advance"),
        (page(["100", "99"], "105"), "contains deal 99"),
        (page(["100", "105"], "105"), "contains deal 105"),
        (page(["99"]), "its end contains deal 99"),
        (page(["100"], "next"), "not an id"),
        (page(["100"], "9" * 30), "not an id"),
        (Reply(200, b'{"results": []}'), "Date header"),
    ],
)
async def test_a_page_that_is_not_the_requested_one_is_refused(answer: Reply, words: str) -> None:
    """A stale or repeated page would make deals look deleted."""
    async with scripted_client(answer) as (client, _):
        with pytest.raises(BadResponse, match=words):
            await client.list_deals(after_id=100)


async def test_the_link_to_the_next_page_is_never_followed() -> None:
    """It is an absolute URL to any host; the token is sent to our host only, with the cursor."""
    async with scripted_client(page(["1", "7"], "8"), page(["8"])) as (client, server):
        assert await listed(client) == [1, 7, 8]
    assert "after" not in server.requests[0].splitlines()[0]
    assert "after=8" in server.requests[1].splitlines()[0]


async def test_a_record_without_an_id_does_not_refuse_the_page() -> None:
    """Only that record is refused, when it is parsed."""
    async with scripted_client(page([None, "abc", "5"])) as (client, _):
        assert len((await client.list_deals()).records) == 3


async def test_the_lowest_and_the_highest_id_are_those_of_the_list(client: HubSpot) -> None:
    ids = await listed(client)
    assert await client.deal_id_bounds() == (ids[0], ids[-1])
    assert await client.count_deals(EPOCH) == len(ids)
    assert await client.count_deals(datetime.now(UTC) + timedelta(hours=1)) == 0


async def test_an_account_without_deals_has_no_lowest_id() -> None:
    async with scripted_client(Reply(200, b'{"results": [], "total": 0}')) as (client, _):
        assert await client.deal_id_bounds() is None


async def test_deals_are_read_by_id_live_or_archived(client: HubSpot, account: Account) -> None:
    """One kind per read; ids of the other kind are missing, as are ids that never existed."""
    live, gone = account.deal(), account.deal()
    account.archive("deals", gone)
    read = await client.read_deals([gone, live, live, "1"])
    assert ([record["id"] for record in read.records], read.missing) == ([live], [gone, "1"])
    archived = await client.read_archived_deals([gone, live])
    assert ([record["id"] for record in archived.records], archived.missing) == ([gone], [live])
    assert parse_deal(archived.records[0]).archived_at is not None


async def test_with_history_deals_are_read_by_fifty(client: HubSpot, account: Account) -> None:
    """HubSpot's limit; the history is the same as in a read of one deal."""
    ids = [account.deal() for _ in range(51)]
    account.move(ids[7], "contractsent")
    before = account.calls(route := "POST /crm/objects/{version}/{type}/batch/read")
    read = await client.read_deals(ids, history=("dealstage",))
    assert account.calls(route) - before == 2
    assert (len(read.records), read.missing) == (51, [])
    alone = await client.get_deal(ids[7], history=("dealstage",))
    batched = next(record for record in read.records if record["id"] == ids[7])
    assert History.model_validate(batched).properties_with_history == alone.history
    assert len(alone.history["dealstage"]) == 2
