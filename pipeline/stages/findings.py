"""Findings: what a person should know or do about a deal, and what could not be checked."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from pipeline.rulebook import Rulebook, RuleName, Severity
from pipeline.stages.stage import StageFailed


class Finding(BaseModel):
    """`rule` is a stable key, `property` is HubSpot's name, `message` is a sentence for people."""

    rule: str
    severity: Severity
    property: str | None = None
    message: str


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding before the rulebook sets its severity. `reported_as`, if given, is a narrower name for the rule."""

    rule: RuleName
    message: str
    property: str | None = None
    reported_as: str | None = None


@contextmanager
def applying_rule(rule: str) -> Iterator[None]:
    """Turn any error into StageFailed with the rule's name: the rule has a bug, the deal is not to blame."""
    try:
        yield
    except Exception as error:
        raise StageFailed(f"The rule {rule} could not be applied: {type(error).__name__}: {error}") from error


def grade(issues: Iterable[Issue], rulebook: Rulebook) -> list[Finding]:
    """Give each issue its severity; drop those that the rulebook switches off."""
    return [
        Finding(
            rule=issue.reported_as or issue.rule,
            severity=Severity(severity),
            property=issue.property,
            message=issue.message,
        )
        for issue in issues
        if (severity := rulebook.severity[issue.rule]) != "off"
    ]


def at_least(severity: Severity, findings: Iterable[Finding]) -> list[Finding]:
    """The findings of that severity or a worse one."""
    order = list(Severity)
    return [finding for finding in findings if order.index(finding.severity) <= order.index(severity)]


def worst_severity(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity that calls for action; None when no finding does."""
    found = [finding.severity for finding in at_least(Severity.LOW, findings)]
    return min(found, key=list(Severity).index, default=None)
