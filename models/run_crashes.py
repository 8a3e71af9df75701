"""run_crashes: which worker is suspected to have died with which run. The row is deleted if the worker is alive."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class RunCrash(Base):
    __tablename__ = "run_crashes"

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("pipeline_runs.id", ondelete="CASCADE"), primary_key=True
    )
    # The epoch of the lost lease.
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    worker: Mapped[str | None] = mapped_column(Text)
    incarnation: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
