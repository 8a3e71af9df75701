"""bulk_operations and bulk_operation_items: one operation on many deals, with the outcome of each."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.enums import BULK_ITEM_STATUS, BULK_KIND, BULK_STATUS, BulkItemStatus, BulkKind, BulkStatus


class BulkOperation(Base):
    """`arguments` are those of the operation on each deal. The deals are chosen when the row is created."""

    __tablename__ = "bulk_operations"

    id: Mapped[BigId]
    kind: Mapped[BulkKind] = mapped_column(BULK_KIND)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    requested_by: Mapped[str] = mapped_column(Text)
    status: Mapped[BulkStatus] = mapped_column(BULK_STATUS)
    total: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (Index("ix_bulk_operations_running", "id", postgresql_where=text("status = 'RUNNING'")),)


class BulkItem(Base):
    """`detail` is a sentence: what was done, or why it was refused."""

    __tablename__ = "bulk_operation_items"

    id: Mapped[BigId]
    bulk_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bulk_operations.id", ondelete="CASCADE"))
    deal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("deals.id", ondelete="CASCADE"))
    status: Mapped[BulkItemStatus] = mapped_column(BULK_ITEM_STATUS)
    detail: Mapped[str | None] = mapped_column(Text)
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("uq_bulk_operation_items_bulk_id_deal_id", "bulk_id", "deal_id", unique=True),
        Index("ix_bulk_operation_items_deal_id", "deal_id"),
        Index("ix_bulk_operation_items_waiting", "bulk_id", "id", postgresql_where=text("status = 'WAITING'")),
    )
