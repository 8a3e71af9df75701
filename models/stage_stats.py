"""stage_stats: how long each stage takes, and how long runs wait, over the last day; written anew each minute."""

from datetime import datetime

from sqlalchemy import DateTime, Float, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

# The row that tells how long runs have waited for a worker; no stage can have this key.
QUEUE_WAIT = "(queue wait)"
# Of fewer samples a percentile says nothing.
FEWEST_SAMPLES = 50
# Runs of this priority (the backfill's) wait because they can: they count for nothing here, and are never late.
PATIENT_PRIORITY = 0


class StageStats(Base):
    """One row a stage, and one for the wait in the queue. The percentiles are seconds."""

    __tablename__ = "stage_stats"

    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    samples: Mapped[int] = mapped_column(Integer)
    p50: Mapped[float] = mapped_column(Float)
    p95: Mapped[float] = mapped_column(Float)
    p99: Mapped[float] = mapped_column(Float)
    measured_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
