"""What is worth a person's attention, found in a deal; also what could not be found out."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel


class Severity(StrEnum):
    """From worst to harmless. INFO says what is not known or was not checked; nobody has to act on it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Finding(BaseModel):
    """`rule` is a stable key; `property` is HubSpot's name of it; `message` is a sentence for people."""

    rule: str
    severity: Severity
    property: str | None = None
    message: str


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity that asks for action; None when nothing does."""
    order = list(Severity)
    found = [finding.severity for finding in findings if finding.severity is not Severity.INFO]
    return min(found, key=order.index, default=None)
