"""Turns HubSpot's records into rows, one at a time: a record that cannot be read never fails its page."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from core.settings import BackfillProcess
from crm.catalog import Catalog
from crm.errors import RecordError
from crm.json_body import json_text
from crm.records import DealRecord, parse_deal, readable_id
from crm.responses import DealStage
from models import RunReason, RunStatus
from pipeline.queue import Priority
from pipeline.runs.synced_deal import SyncedDeal

# HubSpot moves it even when nothing changes. It has a column of its own, and must not count as a change.
_TOUCH = "hs_lastmodifieddate"


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that could not be read: its whole body, and the reason as a sentence."""

    key: str
    body: str
    error: str


@dataclass(frozen=True, slots=True)
class DealPage:
    """`read_at` is when the page was requested; `successors` maps each merged deal to the one it was merged into.

    `searched`: it comes from HubSpot's search index, which may show an earlier version, not from its store.
    `purged` are deals that HubSpot no longer has, `reappeared` those that are stored as merged or purged although
    HubSpot has them; `ids` are all ids of the page, including those of rejected records.
    """

    read_at: datetime
    searched: bool = False
    deals: list[SyncedDeal] = field(default_factory=list)
    rejects: list[RejectedRecord] = field(default_factory=list)
    successors: dict[str, str] = field(default_factory=dict)
    purged: list[str] = field(default_factory=list)
    reappeared: list[str] = field(default_factory=list)
    ids: frozenset[int] = frozenset()

    @property
    def seen(self) -> int:
        return len(self.deals) + len(self.rejects)

    @property
    def archived(self) -> list[str]:
        """Without those that are known to be merged: the recycle bin may show them too."""
        archived = (deal.hubspot_deal_id for deal in self.deals if deal.archived_at is not None)
        return [identifier for identifier in archived if identifier not in self.successors]


class RecordReader:
    """Decides what happens to a new deal: one created before `first_contact_at` belongs to the backfill."""

    def __init__(self, catalog: Catalog, first_contact_at: datetime, process: BackfillProcess) -> None:
        self._catalog = catalog
        self._first_contact_at = first_contact_at
        self._process = process

    async def read(self, records: Sequence[dict[str, Any]], read_at: datetime, *, searched: bool = False) -> DealPage:
        ids = frozenset(number for number in map(readable_id, records) if number is not None)
        page = DealPage(read_at, searched, ids=ids)
        for raw in records:
            try:
                deal = parse_deal(raw)
            except RecordError as error:
                page.rejects.append(_rejected(raw, error))
            else:
                page.deals.append(await self._row(deal))
                page.successors.update(dict.fromkeys(deal.merged_ids, deal.id))
        return page

    async def _row(self, deal: DealRecord) -> SyncedDeal:
        owner_name = await self._catalog.owner_name(deal.owner_id) if deal.owner_id else None
        stage = await self._catalog.stage(deal.pipeline, deal.stage) if deal.pipeline and deal.stage else None
        label = stage.label if stage else None
        status, reason, priority = self._new_run(deal, stage)
        return SyncedDeal(
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
            unreadable=orjson.dumps(deal.unreadable).decode() if deal.unreadable else "{}",
            content_hash=_hash(deal, owner_name, label),
            hubspot_created_at=deal.created_at,
            hubspot_modified_at=deal.modified_at,
            archived_at=deal.archived_at,
            run_status=status,
            run_reason=reason,
            run_priority=priority,
        )

    def _new_run(self, deal: DealRecord, stage: DealStage | None) -> tuple[RunStatus, RunReason | None, Priority]:
        """Status, reason and priority of the deal's NEW run, in case the deal is new."""
        if deal.archived:
            return RunStatus.SKIPPED, RunReason.ARCHIVED, Priority.BACKFILL
        if deal.created_at is None or deal.created_at >= self._first_contact_at:
            return RunStatus.QUEUED, None, Priority.NEW
        if self._is_selected(stage):
            return RunStatus.QUEUED, None, Priority.BACKFILL
        return RunStatus.SKIPPED, RunReason.NOT_SELECTED, Priority.BACKFILL

    def _is_selected(self, stage: DealStage | None) -> bool:
        """A deal whose stage the account does not define counts as open."""
        if self._process != "open":
            return self._process != "none"
        return stage is None or not stage.is_closed


def _hash(deal: DealRecord, owner_name: str | None, label: str | None) -> bytes:
    hashed: list[object] = [deal.archived_at, owner_name, label, _without_touch(deal.properties)]
    # Of such deals only: a release that reads more or less of a value stores it again.
    if deal.unreadable:
        hashed.append(_without_touch(deal.unreadable))
    return hashlib.sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).digest()


def _without_touch(values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in values.items() if name != _TOUCH}


def _rejected(raw: dict[str, Any], error: RecordError) -> RejectedRecord:
    body = json_text(raw)
    number = readable_id(raw)
    key = hashlib.sha256(body.encode()).hexdigest() if number is None else str(number)
    return RejectedRecord(key, body, str(error))
