"""The mark at the end of each of our notes and tasks: by it we find again what we have written."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from crm.records import CrmRecord
from pipeline.stages.deal_facts import instant
from pipeline.stages.findings import Finding

_MARK = re.compile(r"Deal Queue (\d+:\w+) ([0-9a-f]{12})\b")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Marked:
    """A note or task of ours: by which run, and `about` which findings (their digest)."""

    id: str
    key: str
    about: str
    at: datetime
    is_open: bool


def digest(findings: Sequence[Finding]) -> str:
    """The same for the same rules and properties: a message may count days, and a new day is no news."""
    keys = sorted(f"{finding.rule} {finding.property}" for finding in findings)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]


def mark(key: str, of_findings: str) -> str:
    return f"Deal Queue {key} {of_findings}"


def marked(records: Iterable[CrmRecord], body: str) -> list[Marked]:
    """Ours among them, newest first. `body` is the property that holds the text."""
    found = []
    for record in records:
        get = record.properties.get
        if match := _MARK.search(get(body) or ""):
            at, is_open = instant(get("hs_timestamp")) or _LONG_AGO, get("hs_task_status") != "COMPLETED"
            found.append(Marked(record.id, match[1], match[2], at, is_open))
    return sorted(found, key=lambda ours: (ours.at, int(ours.id)), reverse=True)
