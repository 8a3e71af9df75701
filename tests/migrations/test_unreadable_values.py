"""The migration to 0011 mends dates that the driver cannot return."""

from sqlalchemy import text

from core.database import Database
from migrations.upgrade import migrate
from tests.factories import insert_deal, rows

SHOWN = """
SELECT close_date, hubspot_created_at, archived_at = properties_read_at AS departed, unreadable FROM deals ORDER BY id
"""
FAR = "UPDATE deals SET close_date = '-infinity', hubspot_created_at = '-infinity', archived_at = '-infinity'"


async def test_stored_dates_of_other_years_become_unreadable(database: Database, database_url: str) -> None:
    """Beside their text; a time of archiving becomes the time of reading. Other deals stay as they are."""
    await insert_deal(database, properties={"closedate": "0001-01-01", "createdate": "0001-01-01"})
    await database.run(text(FAR))
    await insert_deal(database, properties={"closedate": "2026-11-01"})
    await migrate(database_url, "0010")
    await migrate(database_url)
    odd, good = await rows(database, SHOWN)
    assert odd == {
        "close_date": None,
        "hubspot_created_at": None,
        "departed": True,
        "unreadable": {"closedate": "0001-01-01", "createdate": "0001-01-01"},
    }
    assert good["unreadable"] == {}
