"""Records that cannot be read are kept, and read again by later syncs."""

from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from crm.budget.local import LocalBudget
from crm.client import HubSpot
from crm.scanning import SearchPage
from sandbox import SANDBOX_TOKEN
from scheduler.sync.record_reader import RejectedRecord
from scheduler.sync.rejects import forget_rejects, reject_keys, store_rejects
from scheduler.sync.sync_jobs import backfill, tail
from tests.factories import one, rows
from tests.hubspot import Sandbox
from tests.scheduler.contexts import leading_context
from tests.scheduler.sync.stored import PAGES, READ_EVERYTHING_AGAIN, assert_deals_match, last_sync


class Garbled(HubSpot):
    """HubSpot, except that one record of each page is invalid while `garbles` is set."""

    garbles = True

    async def search_deals(self, **arguments: Any) -> SearchPage:
        page = await super().search_deals(**arguments)
        if self.garbles and page.records:
            page.records[0]["properties"]["hs_lastmodifieddate"] = "twelve"
            page.records[0]["updatedAt"] = None
        return page


async def test_a_record_that_cannot_be_read_does_not_stop_the_sync(database: Database, hubspot: Sandbox) -> None:
    """It is kept whole with the reason, the others of its page are stored; a later sync reads it."""
    async with Garbled(hubspot.url, lambda: SecretStr(SANDBOX_TOKEN), LocalBudget()) as client:
        context = await leading_context(database, client)
        await backfill(context)
        await database.run(READ_EVERYTHING_AGAIN)
        await database.run(text("TRUNCATE deals CASCADE"))
        await tail(context)
        last = await last_sync(database)
        assert (last["outcome"], last["rejected"]) == ("DONE", PAGES)
        assert await one(database, "SELECT count(*) FROM deals") == last["seen"] - PAGES
        kept = await rows(database, "SELECT body, error FROM sync_rejects")
        assert len(kept) == PAGES
        assert all(
            "hs_lastmodifieddate: 'twelve'" in reject["error"] and reject["body"]["properties"] for reject in kept
        )
        client.garbles = False
        await tail(context)
    assert await rows(database, "SELECT body FROM sync_rejects") == []
    await assert_deals_match(database, hubspot)


async def test_a_reject_is_stored_once_and_forgotten_by_its_key(database: Database) -> None:
    """An identical one changes nothing; NUL, which jsonb cannot store, is removed."""
    # The second text has a backslash before "u0000", which is no NUL.
    body = '{"name": "a\\u0000b", "path": "c:\\\\u0000"}'
    first, second = RejectedRecord("7", body, "why"), RejectedRecord("8", "{}", "why")
    stored = []
    for rejects in ([first, second], [first], [RejectedRecord("7", "{}", "another reason")]):
        async with database.write() as session:
            stored.append(await store_rejects(session, rejects))
        (kept,) = await rows(database, "SELECT body FROM sync_rejects WHERE record_key = '7'")
        assert kept["body"] == ({"name": "ab", "path": r"c:\u0000"} if len(stored) < 3 else {})
    assert stored == [2, 0, 1]
    async with database.write() as session:
        assert await forget_rejects(session, ["7", "9"]) == 1
    assert await reject_keys(database) == ["8"]
