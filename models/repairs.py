"""repairs: how many contradictions of each kind the scheduler has repaired. Every count should be 0."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Repair(Base):
    __tablename__ = "repairs"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
