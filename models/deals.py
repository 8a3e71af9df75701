"""deals: what HubSpot has, and how far the pipeline has taken it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, Numeric, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.conditions import NEVER_CHECKED, is_recheckable
from models.enums import RUN_STATUS, RunStatus


class Deal(Base):
    """`updated_at` moves only when something that the queue shows has changed."""

    __tablename__ = "deals"

    id: Mapped[BigId]
    hubspot_deal_id: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(Numeric)
    currency: Mapped[str | None] = mapped_column(Text)
    hubspot_pipeline: Mapped[str | None] = mapped_column(Text)
    hubspot_stage: Mapped[str | None] = mapped_column(Text)
    hubspot_stage_label: Mapped[str | None] = mapped_column(Text)
    owner_id: Mapped[str | None] = mapped_column(Text)
    owner_name: Mapped[str | None] = mapped_column(Text)
    company_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    contact_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    close_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB)
    properties_read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # SHA-256 of what was read. An equal hash means that nothing has changed.
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hubspot_created_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hubspot_modified_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Merged and purged deals are archived as well: a deal is live when `archived_at` is NULL.
    merged_into: Mapped[str | None] = mapped_column(Text)
    status: Mapped[RunStatus] = mapped_column(RUN_STATUS)
    current_stage: Mapped[str | None] = mapped_column(Text)
    latest_run_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("pipeline_runs.id", use_alter=True, ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    purged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When a change requested another run, which starts as soon as no run of the deal is active.
    rerun_wanted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # The text of each property of `properties` that cannot be read as what it should be; its column is NULL.
    unreadable: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    # When HubSpot's store had content with an earlier modification time than what was stored: the time of the latter. A
    # search that shows content of that time, or of an earlier one, proves nothing.
    superseded_modified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When it is checked again without a change: a date that a rule looks at, or a week after the last check. NULL for a
    # closed deal.
    recheck_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), server_default=text(f"'{NEVER_CHECKED}'::timestamptz")
    )
    # The last activity that was not ours, as of the last check; and when our own notes and tasks were made.
    activity_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    own_activity: Mapped[list[datetime]] = mapped_column(
        ARRAY(DateTime(timezone=True)), server_default=text("'{}'::timestamptz[]")
    )

    __table_args__ = (
        # The queue. Without the deals that have left: thousands that leave at once would stand before all others.
        Index(
            "ix_deals_live_updated_at_id",
            text("updated_at DESC"),
            text("id DESC"),
            postgresql_where=text("archived_at IS NULL"),
        ),
        Index("ix_deals_status_updated_at_id", "status", text("updated_at DESC"), text("id DESC")),
        # The sync compares a page of HubSpot's with the deals stored between the page's first and last id.
        Index("ix_deals_hubspot_deal_number", text("(hubspot_deal_id::bigint)")),
        Index("ix_deals_rerun_wanted_at", "rerun_wanted_at", postgresql_where=text("rerun_wanted_at IS NOT NULL")),
        Index("ix_deals_recheck_at", "recheck_at", postgresql_where=text(is_recheckable(""))),
        # For the foreign key: each run that the purge deletes must find its deal.
        Index("ix_deals_latest_run_id", "latest_run_id"),
        # `deduplicate` looks for other deals of the same company or contact.
        # Without a list of pending entries, which each of its searches would read from one end to the other.
        Index("ix_deals_company_ids", "company_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_deals_contact_ids", "contact_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )
