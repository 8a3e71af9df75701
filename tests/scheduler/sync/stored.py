"""What a sync has stored, compared with the sandbox."""

from typing import Any

from sqlalchemy import text

from core.database import Database
from tests.factories import rows
from tests.hubspot import Sandbox

DEALS = 450
# Of 200 deals each.
PAGES = 3
# The deals of the small account.
SMALL = 20
LAST = "SELECT kind, outcome, pages, seen, new, changed, rejected, error FROM sync_runs ORDER BY id DESC LIMIT 1"
READ_EVERYTHING_AGAIN = text("UPDATE sync_state SET watermark = '1971-01-01Z', tail_from = '1971-01-01Z'")


async def assert_deals_match(database: Database, hubspot: Sandbox) -> None:
    truth = hubspot.truth()
    found = await rows(database, "SELECT hubspot_deal_id, name, hubspot_stage FROM deals WHERE archived_at IS NULL")
    expected = {
        key: (deal["dealname"] or None, deal["dealstage"]) for key, deal in truth.items() if not deal["archived"]
    }
    assert {row["hubspot_deal_id"]: (row["name"], row["hubspot_stage"]) for row in found} == expected


async def last_sync(database: Database) -> dict[str, Any]:
    return (await rows(database, LAST))[0]
