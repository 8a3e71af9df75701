"""sync_rejects: records of HubSpot's that could not be read, stored whole with the error."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SyncReject(Base):
    __tablename__ = "sync_rejects"

    # HubSpot's id; a record without one is keyed by the hash of its body.
    record_key: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[Any] = mapped_column(JSONB)
    error: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
