"""rate_budgets: the latest calls of all processes to HubSpot, one row for each of its rate limits."""

from datetime import datetime, timedelta

from sqlalchemy import DateTime, Integer, Interval, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class RateBudget(Base):
    """`burst` and `search`: at most `limit_calls` within any `span`. `daily`: HubSpot's limit and what remains of it.

    All times are by the database's clock.
    """

    __tablename__ = "rate_budgets"
    # Each call updates a row. Free space on its page keeps the new version there, without a new index entry.
    __table_args__ = ({"postgresql_with": {"fillfactor": 10}},)

    policy: Mapped[str] = mapped_column(Text, primary_key=True)
    limit_calls: Mapped[int] = mapped_column(Integer)
    span: Mapped[timedelta] = mapped_column(Interval)
    # When the latest calls were allowed, newest first; `limit_calls` of them are enough.
    granted: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    # No call before this time, after a 429. For `daily`: no call before this time checks whether a new day has begun.
    blocked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # For `daily` only: what HubSpot reported at `observed_at`.
    remaining: Mapped[int | None] = mapped_column(Integer)
    observed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
