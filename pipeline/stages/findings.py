"""What is worth a person's attention, found in a deal; also what could not be found out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from pipeline.rulebook import Rulebook, RuleName, Severity
from pipeline.stages.stage import StageFailed


class Finding(BaseModel):
    """`rule` is a stable key; `property` is HubSpot's name of it; `message` is a sentence for people."""

    rule: str
    severity: Severity
    property: str | None = None
    message: str


@dataclass(frozen=True, slots=True)
class Issue:
    """What a stage has found, before the rulebook says how bad that is. `told_as` names it more closely."""

    rule: RuleName
    message: str
    property: str | None = None
    told_as: str | None = None


@contextmanager
def applying(rule: str) -> Iterator[None]:
    """StageFailed, with the rule's name, when it cannot be applied: that is a mistake of ours, not of the deal's."""
    try:
        yield
    except Exception as error:
        raise StageFailed(f"The rule {rule} could not be applied: {type(error).__name__}: {error}") from error


def graded(issues: Iterable[Issue], rulebook: Rulebook) -> list[Finding]:
    """As findings, without those that the rulebook switches off."""
    return [
        Finding(
            rule=issue.told_as or issue.rule, severity=Severity(grade), property=issue.property, message=issue.message
        )
        for issue in issues
        if (grade := rulebook.severity[issue.rule]) != "off"
    ]


def at_least(severity: Severity, findings: Iterable[Finding]) -> list[Finding]:
    """Those as bad as that, or worse."""
    order = list(Severity)
    return [finding for finding in findings if order.index(finding.severity) <= order.index(severity)]


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity that asks for action; None when nothing does."""
    found = [finding.severity for finding in at_least(Severity.LOW, findings)]
    return min(found, key=list(Severity).index, default=None)
