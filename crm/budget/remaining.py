"""How much of the day's calls is left, as HubSpot has last reported it."""

from sqlalchemy import text

from core.database import Database

_LEFT = text("""
SELECT remaining::float8 / greatest(limit_calls, 1) AS share FROM rate_budgets
WHERE policy = 'daily' AND remaining IS NOT NULL AND observed_at > clock_timestamp() - interval '24 hours'
""")


async def daily_share_left(database: Database) -> float:
    """0 to 1; 1 while HubSpot has reported nothing for a day."""
    rows = await database.run(_LEFT)
    return float(rows[0].share) if rows else 1.0
