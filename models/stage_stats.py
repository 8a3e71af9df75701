"""stage_stats: how long stages take and how long runs wait, over the last day. Computed every minute."""

from datetime import datetime

from sqlalchemy import DateTime, Float, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

# The key of the row for the time that runs have waited for a worker; no stage can have this key.
QUEUE_WAIT = "(queue wait)"
# A percentile of fewer samples means nothing.
FEWEST_SAMPLES = 50
# Runs of this priority (the backfill's) may wait: they are left out of the statistics, and are never late.
PATIENT_PRIORITY = 0


class StageStats(Base):
    """One row for each stage and one for the wait in the queue. The percentiles are in seconds."""

    __tablename__ = "stage_stats"

    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    samples: Mapped[int] = mapped_column(Integer)
    p50: Mapped[float] = mapped_column(Float)
    p95: Mapped[float] = mapped_column(Float)
    p99: Mapped[float] = mapped_column(Float)
    measured_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
