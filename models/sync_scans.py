"""sync_scans: scans that are under way, so that a killed one goes on behind its last stored page."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.enums import SYNC_KIND, SyncKind


class SyncScan(Base):
    """One row a part: a search has one, a list of all deals is read in several at the same time."""

    __tablename__ = "sync_scans"

    kind: Mapped[SyncKind] = mapped_column(SYNC_KIND, primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # Only of a search: deals modified since then are read.
    floor: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # HubSpot's clock at the scan's first answer.
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Every deal of the part up to this id is stored.
    last_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    # The part ends before this id; open without it.
    until_id: Mapped[int | None] = mapped_column(BigInteger)
    # New runs that the scan has started, for the guard against storms.
    started_runs: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    done: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
