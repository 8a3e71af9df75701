"""Findings get their severity from the rulebook, and the worst one sets the priority."""

import pytest

from pipeline.rulebook import Severity, shipped_rulebook
from pipeline.stages.findings import Finding, Issue, applying_rule, at_least, grade, worst_severity
from pipeline.stages.stage import StageFailed
from tests.pipeline.stages.example_facts import changed_rulebook


def test_the_worst_finding_sets_the_priority() -> None:
    """Findings of severity INFO set no priority."""
    found = [Finding(rule=severity, severity=severity, message=".") for severity in Severity]
    assert worst_severity(found) is Severity.HIGH
    assert worst_severity(found[1:]) is Severity.MEDIUM
    assert worst_severity(found[3:]) is None
    assert worst_severity([]) is None


def test_an_issue_gets_its_severity_from_the_rulebook() -> None:
    """By its rule, also when it is reported under a narrower name."""
    issues = [
        Issue("stalled", "Stalled.", "hs_last_activity_date"),
        Issue("account_rule", ".", reported_as="account_regex"),
    ]
    found = grade(issues, shipped_rulebook())
    assert [(finding.rule, finding.severity, finding.property) for finding in found] == [
        ("stalled", Severity.MEDIUM, "hs_last_activity_date"),
        ("account_regex", Severity.MEDIUM, None),
    ]


def test_a_rule_that_is_off_makes_no_finding() -> None:
    severity = {**shipped_rulebook().severity, "stalled": "off"}
    assert grade([Issue("stalled", "Stalled.")], changed_rulebook(severity=severity)) == []


def test_findings_are_selected_by_severity() -> None:
    """Those of that severity or a worse one, in their order."""
    found = [Finding(rule=severity, severity=severity, message=".") for severity in reversed(Severity)]
    assert [finding.severity for finding in at_least(Severity.MEDIUM, found)] == [Severity.MEDIUM, Severity.HIGH]


def test_an_error_in_a_rule_names_the_rule() -> None:
    with (
        pytest.raises(StageFailed, match="The rule stalled could not be applied: ValueError: no"),
        applying_rule("stalled"),
    ):
        raise ValueError("no")
