"""sync_state: how far the sync has read HubSpot, one row for each source. All times are by HubSpot's clock."""

from datetime import datetime

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SyncState(Base):
    __tablename__ = "sync_state"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    # Deals that were created before this time belong to the backfill.
    first_contact_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Everything modified before this time is stored permanently. The next settle scan begins here.
    watermark: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When the last complete tail began. The next one begins here, minus the overlap.
    tail_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    backfilled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    archive_read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reconciled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
