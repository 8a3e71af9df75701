"""sync_state: how far the sync has read HubSpot; one row a source."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SyncState(Base):
    """A scan in progress has `scan_floor`, `scan_started_at` and `scan_last_id`; a killed one goes on from there."""

    __tablename__ = "sync_state"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    # Everything modified before it is here. HubSpot's clock, never ours, never derived from data.
    watermark: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    scan_floor: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    scan_started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    scan_last_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
