"""workers: the worker processes and their heartbeats."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Worker(Base):
    """One row for each name: a restarted worker has the same name and another `incarnation`."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    incarnation: Mapped[str] = mapped_column(Text)
    # Its rows in procrastinate_workers: a restarted worker finds the jobs of its dead incarnation by them.
    queue_workers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'::bigint[]"))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # When it stopped as requested; NULL if it runs or has died.
    stopped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Which process it is, for others on its machine (core/identity.py). NULL for those of releases before 0017.
    process: Mapped[str | None] = mapped_column(Text)
