"""rate_budgets: how many calls HubSpot has had from all processes lately; one row for each of its limits."""

from datetime import datetime, timedelta

from sqlalchemy import DateTime, Integer, Interval, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class RateBudget(Base):
    """`burst` and `search`: at most `limit_calls` within any `span`. `daily`: HubSpot's limit and what remains of it.

    All times are the database's.
    """

    __tablename__ = "rate_budgets"
    # A row is written again with every call: room on its page keeps it there, without a new entry in the index.
    __table_args__ = ({"postgresql_with": {"fillfactor": 10}},)

    policy: Mapped[str] = mapped_column(Text, primary_key=True)
    limit_calls: Mapped[int] = mapped_column(Integer)
    span: Mapped[timedelta] = mapped_column(Interval)
    # When the latest calls were allowed, newest first: `limit_calls` of them, more are of no use.
    granted: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )
    # After a 429: no call before. Of `daily`: no call before that looks whether a new day has begun.
    blocked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Of `daily` alone, as HubSpot said it at that time.
    remaining: Mapped[int | None] = mapped_column(Integer)
    observed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
