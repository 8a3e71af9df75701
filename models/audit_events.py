"""audit_events: the operations that people requested, with their outcome. Rows are added, and later purged."""

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, DateTime, Index, Text, event, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.enums import AUDIT_OUTCOME, AuditOutcome


class AuditEvent(Base):
    """`target` is what it was done to ("deal:42", "bulk:7", "queue"); `arguments` hold no secret."""

    __tablename__ = "audit_events"

    id: Mapped[BigId]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    outcome: Mapped[AuditOutcome] = mapped_column(AUDIT_OUTCOME)
    # The sentence that the person got.
    detail: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        Index("ix_audit_events_at", "at"),
        Index("ix_audit_events_target_id", "target", text("id DESC")),
    )


# A trigger rather than revoked privileges: our processes own the tables, and an owner can grant itself any privilege.
# It prevents mistakes of ours and of a person in psql. The purge announces itself, and cannot delete a row of today.
_GUARD = """
CREATE FUNCTION audit_events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('deal_queue.purge', true) = 'audit_events' THEN
        IF OLD.at < now() - interval '1 day' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
_ROWS = """
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_append_only()
"""
_TABLE = """
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()
"""

for _statement in (_GUARD, _ROWS, _TABLE):
    event.listen(AuditEvent.__table__, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]
