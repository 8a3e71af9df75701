"""deal_snapshots: what a batch has just read of deals that still wait, for their own fetch; worth a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DealSnapshot(Base):
    """Without `content` the deal is being read. Not logged: a crash costs nothing but some calls."""

    __tablename__ = "deal_snapshots"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    deal_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("deals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    # Before HubSpot was asked, by the database's clock.
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # HubSpot's time of modification of what was read.
    modified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
