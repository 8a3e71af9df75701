"""process_failures: why a process refuses to start, for the page. The row is deleted when the process is up."""

from datetime import datetime

from sqlalchemy import DateTime, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class ProcessFailure(Base):
    """One row for each kind of process and host: it has another name at each start."""

    __tablename__ = "process_failures"

    process: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
