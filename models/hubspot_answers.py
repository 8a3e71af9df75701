"""hubspot_answers: what HubSpot has answered about companies, for every worker to use for some minutes."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class HubSpotAnswer(Base):
    """The table is unlogged: a crash only costs some calls."""

    __tablename__ = "hubspot_answers"
    __table_args__ = (Index("ix_hubspot_answers_read_at", "read_at"), {"prefixes": ["UNLOGGED"]})

    # What was asked: one of the names in pipeline/stages/companies/answers.py.
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    # HubSpot's id of the deal or company, or the domain.
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    # By the database's clock, before the request to HubSpot.
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Of an answer about a deal: the deal's modification time in HubSpot.
    modified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    answer: Mapped[Any] = mapped_column(JSONB)
