"""From HubSpot's records to rows, each record by itself: one that cannot be read never stops the page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from core.settings import BackfillProcess
from crm.catalog import Catalog
from crm.errors import RecordError
from crm.records import DealRecord, parse_deal
from crm.responses import DealStage
from models import RunReason, RunStatus
from pipeline.queue import Priority
from pipeline.runs.deal_row import DealRow

# Touching a deal without changing it moves this; it is stored by itself and must not count as a change.
_TOUCH = "hs_lastmodifieddate"


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read, whole, with the reason in words."""

    key: str
    body: str
    error: str


@dataclass(frozen=True, slots=True)
class ReadPage:
    """`read_at` is when it was asked for; `successors` has the deals that were merged, with what they were merged into.

    `purged` are deals that HubSpot has no more, `back` those that are marked as gone and are there all the same;
    `ids` are all ids of the page, those of rejected records included.
    """

    read_at: datetime
    deals: list[DealRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    successors: dict[str, str] = field(default_factory=dict)
    purged: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    ids: frozenset[int] = frozenset()

    @property
    def seen(self) -> int:
        return len(self.deals) + len(self.rejects)

    @property
    def archived(self) -> list[str]:
        return [deal.hubspot_deal_id for deal in self.deals if deal.archived_at is not None]


class Reader:
    """Knows what becomes of a deal that is new: created before `first_contact_at`, it is the backfill's."""

    def __init__(self, catalog: Catalog, first_contact_at: datetime, process: BackfillProcess) -> None:
        self._catalog = catalog
        self._first_contact_at = first_contact_at
        self._process = process

    async def read(self, records: Sequence[dict[str, Any]], read_at: datetime) -> ReadPage:
        ids = frozenset(number for number in map(record_number, records) if number is not None)
        page = ReadPage(read_at, ids=ids)
        for raw in records:
            try:
                deal = parse_deal(raw)
            except RecordError as error:
                page.rejects.append(reject(raw, error))
            else:
                page.deals.append(await self._row(deal))
                page.successors.update(dict.fromkeys(deal.merged_ids, deal.id))
        return page

    async def _row(self, deal: DealRecord) -> DealRow:
        owner_name = await self._catalog.owner_name(deal.owner_id) if deal.owner_id else None
        stage = await self._catalog.stage(deal.pipeline, deal.stage) if deal.pipeline and deal.stage else None
        label = stage.label if stage else None
        status, reason, priority = self._run(deal, stage)
        return DealRow(
            hubspot_deal_id=deal.id,
            name=deal.name,
            amount=deal.amount,
            currency=deal.currency,
            hubspot_pipeline=deal.pipeline,
            hubspot_stage=deal.stage,
            hubspot_stage_label=label or deal.stage,
            owner_id=deal.owner_id,
            owner_name=owner_name,
            close_date=deal.close_date,
            properties=orjson.dumps(deal.properties).decode(),
            content_hash=_hash(deal, owner_name, label),
            hubspot_created_at=deal.created_at,
            hubspot_modified_at=deal.modified_at,
            archived_at=deal.archived_at,
            run_status=status,
            run_reason=reason,
            run_priority=priority,
        )

    def _run(self, deal: DealRecord, stage: DealStage | None) -> tuple[RunStatus, RunReason | None, Priority]:
        """Of the deal's NEW run, should the deal be new."""
        if deal.archived:
            return RunStatus.SKIPPED, RunReason.ARCHIVED, Priority.BACKFILL
        if deal.created_at is None or deal.created_at >= self._first_contact_at:
            return RunStatus.QUEUED, None, Priority.NEW
        if self._is_selected(stage):
            return RunStatus.QUEUED, None, Priority.BACKFILL
        return RunStatus.SKIPPED, RunReason.NOT_SELECTED, Priority.BACKFILL

    def _is_selected(self, stage: DealStage | None) -> bool:
        """A deal whose stage nobody knows counts as open."""
        if self._process != "open":
            return self._process != "none"
        return stage is None or not stage.is_closed


def _hash(deal: DealRecord, owner_name: str | None, label: str | None) -> bytes:
    content = {name: value for name, value in deal.properties.items() if name != _TOUCH}
    hashed = orjson.dumps([deal.archived_at, owner_name, label, content], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(hashed).digest()


def record_number(raw: dict[str, Any]) -> int | None:
    """The record's id; None when it has none that is a number."""
    identifier = str(raw.get("id", ""))
    return int(identifier) if identifier.isascii() and identifier.isdigit() else None


def reject(raw: dict[str, Any], error: RecordError) -> Reject:
    body = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS).decode()
    number = record_number(raw)
    key = hashlib.sha256(body.encode()).hexdigest() if number is None else str(number)
    return Reject(key, body, str(error))
