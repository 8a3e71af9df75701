"""The marker at the end of each note and task that Deal Queue writes: by it a later attempt or run finds them."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from crm.records import CrmRecord
from pipeline.stages.deal_facts import instant_or_none
from pipeline.stages.findings import Finding

_MARKER = re.compile(r"Deal Queue (\d+:\w+) ([0-9a-f]{12})\b")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MarkedRecord:
    """A note or task of ours: `key` is the idempotency key of the step that wrote it, `digest` that of its findings."""

    id: str
    key: str
    digest: str
    at: datetime
    is_open: bool
    # When it counts as an activity on the deal: by its own time, and by that of its creation.
    active: tuple[datetime, ...] = ()


def findings_digest(findings: Sequence[Finding]) -> str:
    """Of rules and properties only: a message may count days, and another day is not another finding."""
    keys = sorted(f"{finding.rule} {finding.property}" for finding in findings)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]


NO_FINDINGS = findings_digest([])


def marker(key: str, digest: str) -> str:
    return f"Deal Queue {key} {digest}"


def marked_records(records: Iterable[CrmRecord], body: str) -> list[MarkedRecord]:
    """Those of the records that have a marker, newest first. `body` is the property that holds the text."""
    found = []
    for record in records:
        get = record.properties.get
        if match := _MARKER.search(get(body) or ""):
            at, is_open = instant_or_none(get("hs_timestamp")) or _LONG_AGO, get("hs_task_status") != "COMPLETED"
            times = (instant_or_none(get(name)) for name in ("hs_timestamp", "hs_createdate"))
            active = tuple(time for time in times if time is not None)
            found.append(MarkedRecord(record.id, match[1], match[2], at, is_open, active))
    return sorted(found, key=lambda ours: (ours.at, int(ours.id)), reverse=True)
