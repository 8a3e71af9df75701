"""From HubSpot's records to rows, each record by itself: one that cannot be read never stops the page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from crm.catalog import Catalog
from crm.errors import BadAnswer, RecordError
from crm.records import DealRecord, parse_deal
from pipeline.runs.intake import DealRow

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
    deals: list[DealRow]
    rejects: list[Reject]
    # The largest id of the page: where the scan goes on.
    last_id: int


async def read_page(records: Sequence[dict[str, Any]], catalog: Catalog, *, after_id: int) -> ReadPage:
    """BadAnswer when no record has an id behind `after_id`: the scan would go in circles."""
    deals: list[DealRow] = []
    rejects: list[Reject] = []
    for raw in records:
        try:
            deals.append(await _row(parse_deal(raw), catalog))
        except RecordError as error:
            rejects.append(_reject(raw, error))
    last_id = max((number for number in map(_number, records) if number is not None), default=after_id)
    if records and last_id <= after_id:
        raise BadAnswer(f"HubSpot sent a page that holds no deal behind id {after_id}.")
    return ReadPage(deals, rejects, last_id)


async def _row(deal: DealRecord, catalog: Catalog) -> DealRow:
    owner_name = await catalog.owner_name(deal.owner_id) if deal.owner_id else None
    label = await catalog.stage_label(deal.pipeline, deal.stage) if deal.pipeline and deal.stage else None
    content = {name: value for name, value in deal.properties.items() if name != _TOUCH}
    hashed = orjson.dumps([deal.archived, owner_name, label, content], option=orjson.OPT_SORT_KEYS)
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
        content_hash=hashlib.sha256(hashed).digest(),
        hubspot_created_at=deal.created_at,
        hubspot_modified_at=deal.modified_at,
        archived_at=deal.modified_at if deal.archived else None,
    )


def _number(raw: dict[str, Any]) -> int | None:
    identifier = str(raw.get("id", ""))
    return int(identifier) if identifier.isascii() and identifier.isdigit() else None


def _reject(raw: dict[str, Any], error: RecordError) -> Reject:
    body = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS).decode()
    number = _number(raw)
    key = hashlib.sha256(body.encode()).hexdigest() if number is None else str(number)
    return Reject(key, body, str(error))
