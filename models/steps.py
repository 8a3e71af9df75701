"""steps: one begun stage of one run. A stage without a row is PENDING."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.enums import STEP_STATUS, StepStatus


class Step(Base):
    __tablename__ = "steps"

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("pipeline_runs.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(Text)
    status: Mapped[StepStatus] = mapped_column(STEP_STATUS)
    attempts: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    output: Mapped[Any | None] = mapped_column(JSONB)
    error_type: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    # How many attempts count against the stage's retry policy; interrupted ones, for example, do not.
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    # Of a step whose output an earlier run has stored: the number of that run. Such a step has no attempts.
    carried_from: Mapped[int | None] = mapped_column(Integer)
