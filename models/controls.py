"""controls: requests of people to the scheduler, which records when it has taken one; and the pause of the queue."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Control(Base):
    """A request is open while `taken_at` is before `requested_at`."""

    __tablename__ = "controls"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    requested_by: Mapped[str | None] = mapped_column(Text)
    taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Of a requested sync: what came of each sync that the scheduler ran for it.
    results: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
