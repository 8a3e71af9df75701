"""sync_runs: one row for each sync, with its counts or its error. Successive polls without changes share one row."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Float, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.enums import SYNC_KIND, SYNC_OUTCOME, SyncKind, SyncOutcome


def newest_of_each_kind(columns: str, *, where: str = "true", rows: int = 1) -> str:
    """SQL for the newest rows `s` of sync_runs of each kind.

    A SELECT for each kind, by name: for a kind without rows the planner reads the whole table if it does not know it.
    """
    return " UNION ALL ".join(
        f"(SELECT {columns} FROM sync_runs AS s WHERE s.kind = '{kind}' AND {where} ORDER BY s.id DESC LIMIT {rows})"  # noqa: S608
        for kind in SyncKind
    )


class SyncRun(Base):
    """`floor`: deals modified since then were read. `watermark_*`: before and after the sync. By HubSpot's clock."""

    __tablename__ = "sync_runs"

    id: Mapped[BigId]
    kind: Mapped[SyncKind] = mapped_column(SYNC_KIND)
    outcome: Mapped[SyncOutcome] = mapped_column(SYNC_OUTCOME)
    # The fence of the scheduler that ran it.
    fence: Mapped[int] = mapped_column(BigInteger)
    # How many polls the row represents.
    polls: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    floor: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    watermark_from: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    watermark_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pages: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # The number of calls to HubSpot by status or, without a response, by error.
    calls: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    seen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    new: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    changed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    unchanged: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    archived: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    merged: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    rejected: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    held: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    # How many deals HubSpot reported in the scan's first response.
    backlog: Mapped[int | None] = mapped_column(Integer)
    # How long before its end the sync began to read: everything modified earlier is stored.
    lag_seconds: Mapped[float | None] = mapped_column(Float)
    error: Mapped[str | None] = mapped_column(Text)
    # How many of the changed deals have an earlier modification time than what was stored of them before.
    backdated: Mapped[int] = mapped_column(Integer, server_default=text("0"))

    __table_args__ = (
        Index("ix_sync_runs_started_at", text("started_at DESC")),
        Index("ix_sync_runs_kind_id", "kind", text("id DESC")),
    )
