"""pipeline_runs: one pass of a deal through the stages. Procrastinate's job only delivers the run."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.conditions import is_active, is_held, is_queued, is_suspected, waits_for_access
from models.enums import RUN_REASON, RUN_STATUS, RUN_TRIGGER, RunReason, RunStatus, RunTrigger


class PipelineRun(Base):
    """`epoch` is the fencing token: a worker with an older one can no longer write to the run."""

    __tablename__ = "pipeline_runs"

    id: Mapped[BigId]
    deal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("deals.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    trigger: Mapped[RunTrigger] = mapped_column(RUN_TRIGGER)
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    status: Mapped[RunStatus] = mapped_column(RUN_STATUS)
    reason: Mapped[RunReason | None] = mapped_column(RUN_REASON)
    # [{"key": "fetch", "label": "Fetch"}, ...], frozen when the run is created.
    stages: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    epoch: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    claims: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    worker: Mapped[str | None] = mapped_column(Text)
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    next_attempt_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    requested_by: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # How often its worker is suspected to have died with it (run_crashes), as of the last time it was requeued.
    crashes: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    # When it was created, or released if it was held. NULL for runs created before revision 0010.
    queued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # What HubSpot has refused to the token, such as "the scope crm.objects.contacts.read"; read of RETRYING runs only.
    waits_for: Mapped[str | None] = mapped_column(Text)
    # Which start of `worker` holds or held the lease. NULL if a release before revision 0015 has claimed it.
    incarnation: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("uq_pipeline_runs_deal_id_number", "deal_id", "number", unique=True),
        Index(
            "uq_pipeline_runs_active",
            "deal_id",
            unique=True,
            postgresql_where=text(is_active("")),
        ),
        # One suspected run is RUNNING at a time: the database decides which.
        Index(
            "uq_pipeline_runs_quarantined",
            "status",
            unique=True,
            postgresql_where=text(f"status = 'RUNNING' AND {is_suspected('')}"),
        ),
        Index("ix_pipeline_runs_lease_until", "lease_until", postgresql_where=text("status = 'RUNNING'")),
        Index(
            "ix_pipeline_runs_waiting",
            "id",
            postgresql_where=text("status IN ('QUEUED', 'RETRYING')"),
        ),
        # The queue in the order in which runs are processed.
        Index(
            "ix_pipeline_runs_queue",
            text("priority DESC"),
            "id",
            postgresql_where=text(is_queued("")),
        ),
        Index(
            "ix_pipeline_runs_waits_for", "waits_for", "next_attempt_at", postgresql_where=text(waits_for_access(""))
        ),
        Index("ix_pipeline_runs_held", "id", postgresql_where=text(is_held(""))),
        Index("ix_pipeline_runs_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )
