"""sync_scans: the progress of each scan, so that an interrupted one continues after its last stored page."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.enums import SYNC_KIND, SyncKind


class SyncScan(Base):
    """One row for each part: a search has one; a list of all deals is read in several parts at the same time."""

    __tablename__ = "sync_scans"

    kind: Mapped[SyncKind] = mapped_column(SYNC_KIND, primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # For a search only: deals modified since then are read.
    floor: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # By HubSpot's clock, at the scan's first response.
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Every deal of the part up to this id is stored.
    last_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # The part ends before this id; NULL for the last part.
    until_id: Mapped[int | None] = mapped_column(BigInteger)
    # How many new runs the scan has started, for the storm guard.
    started_runs: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    done: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
