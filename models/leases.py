"""leases: which process leads. One row for each job that only one process may do at a time."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class LeadershipLease(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    # Incremented whenever the lease is acquired: a transaction with an older fence is refused.
    fence: Mapped[int] = mapped_column(BigInteger)
    # By the database's clock, which all holders share.
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # The holder's process: another one on its machine can find out whether it has ended (core/identity.py).
    process: Mapped[str | None] = mapped_column(Text)
