"""A deal with its associated records: as both ways of reading it return it, and as deal_snapshots stores it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm import paths
from crm.client import Associated, BatchResult
from crm.history import Version
from crm.properties import COMPANY_PROPERTIES, CONTACT_PROPERTIES, LINE_ITEM_PROPERTIES
from crm.records import RECORD_TIMES, CrmRecord, DealRecord, Properties
from pipeline.stages.fetch.output import COMPANIES, CONTACTS, LINE_ITEMS
from pipeline.stages.redaction import redacted_contact, redacted_line_item, redacted_properties

# The property whose history is read with the deal.
STAGE_PROPERTY = "dealstage"
# One batch read of each kind; a kind of which the deal has more is listed in `truncated`.
MAX_RECORDS = 100
# The path of each kind in HubSpot's API, and the properties that are read.
RECORD_KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    CONTACTS: (paths.CONTACTS, CONTACT_PROPERTIES),
    COMPANIES: (paths.COMPANIES, COMPANY_PROPERTIES),
    LINE_ITEMS: (paths.LINE_ITEMS, LINE_ITEM_PROPERTIES),
}


@dataclass(frozen=True, slots=True)
class DealContent:
    """`records` are by kind; `truncated` are the kinds of which the deal has more; `stage_history` is newest first.

    `unreadable` are the fields of HubSpot's record that are not what they should be; `properties` has their text.
    Content that comes from a snapshot is redacted already.
    """

    read_at: datetime
    properties: Properties
    unreadable: Sequence[str]
    stage_history: Sequence[Version]
    records: Mapping[str, BatchResult]
    truncated: Sequence[str]


def is_truncated(associated: Associated) -> bool:
    return not associated.complete or len(associated.ids) > MAX_RECORDS


def pack(
    deal: DealRecord,
    stage_history: Sequence[Version],
    associated: Mapping[str, Associated],
    records: Mapping[str, Mapping[str, CrmRecord]],
    hidden: Collection[str],
) -> dict[str, object]:
    """The redacted JSON of a snapshot; `associated` and `records` are by kind, and `records` then by id."""
    ids = {kind: associated[kind].ids[:MAX_RECORDS] for kind in RECORD_KINDS}
    return {
        "properties": redacted_properties(deal.properties, hidden),
        # The times beside the properties only stand in for properties that are missing.
        "unreadable": [name for name in deal.unreadable if name not in RECORD_TIMES],
        "stage_history": [[version.value, version.timestamp] for version in stage_history],
        "records": {
            # Lists, in HubSpot's order: JSONB does not keep the order of keys.
            kind: [
                [identifier, _redacted(kind, record.properties, hidden)]
                for identifier in ids[kind]
                if (record := records[kind].get(identifier))
            ]
            for kind in RECORD_KINDS
        },
        "missing": {
            kind: [identifier for identifier in ids[kind] if identifier not in records[kind]] for kind in RECORD_KINDS
        },
        "truncated": [kind for kind in RECORD_KINDS if is_truncated(associated[kind])],
    }


def _redacted(kind: str, properties: Properties, hidden: Collection[str]) -> Properties:
    if kind == CONTACTS:
        return redacted_contact(properties, hidden)
    return redacted_line_item(properties, hidden) if kind == LINE_ITEMS else properties


def unpack(read_at: datetime, content: Mapping[str, Any]) -> DealContent:
    """The inverse of `pack`."""
    records = {
        kind: BatchResult(
            [CrmRecord(identifier, properties, archived=False) for identifier, properties in content["records"][kind]],
            content["missing"][kind],
        )
        for kind in RECORD_KINDS
    }
    history = [Version(value=value, timestamp=timestamp) for value, timestamp in content["stage_history"]]
    # A snapshot of the previous release has no `unreadable`.
    unreadable = content.get("unreadable", ())
    return DealContent(read_at, content["properties"], unreadable, history, records, content["truncated"])
