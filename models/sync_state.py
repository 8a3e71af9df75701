"""sync_state: how far the sync has read HubSpot; one row a source. All times are of HubSpot's clock, never of data."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SyncState(Base):
    __tablename__ = "sync_state"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    # Deals that were created before it are the backfill's.
    first_contact_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Everything modified before it is here for good: from here the next settle scan looks.
    watermark: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When the last complete tail began: from here, less the overlap, the next one looks.
    tail_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    backfilled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archive_read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reconciled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
