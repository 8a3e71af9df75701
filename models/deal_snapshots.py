"""deal_snapshots: what a batch read has returned for deals that still wait; their own fetch uses it for a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DealSnapshot(Base):
    """Without `content` the deal is being read. The table is unlogged: a crash only costs some calls."""

    __tablename__ = "deal_snapshots"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    deal_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("deals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    # By the database's clock, before the request to HubSpot.
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # The deal's modification time in HubSpot.
    modified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
