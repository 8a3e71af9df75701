"""workers: which worker processes there are, and their signs of life."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Worker(Base):
    """One row a name: a worker that is started again has the same name and another `incarnation`."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    incarnation: Mapped[str] = mapped_column(Text)
    # Its rows in procrastinate_workers: by them a restart finds the jobs that its dead incarnation had fetched.
    queue_workers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'::bigint[]"))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    heartbeat_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # Set when it was told to stop and has ended; one that died has none.
    stopped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
