"""How much of the day's calls is left, by HubSpot's last report."""

import pytest

from core.database import Database
from crm.budget.remaining import daily_share_left
from tests.factories import rows

REPORT = """
INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at)
VALUES ('daily', 1000, interval '1 day', :remaining, now() - make_interval(hours => :age)) RETURNING policy
"""


@pytest.mark.parametrize(("remaining", "age", "share"), [(1000, 0, 1.0), (330, 1, 0.33), (0, 1, 0.0), (0, 25, 1.0)])
async def test_the_share_is_of_the_last_report(database: Database, remaining: int, age: int, share: float) -> None:
    """A report of yesterday says nothing about today."""
    assert await daily_share_left(database) == 1.0
    await rows(database, REPORT, remaining=remaining, age=age)
    assert await daily_share_left(database) == share
