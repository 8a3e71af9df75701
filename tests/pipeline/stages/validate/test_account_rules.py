"""The account's validation rules are applied to the values that a deal has."""

from zoneinfo import ZoneInfo

import pytest

from crm.responses import ValidationRule
from pipeline.stages.account_days import AccountDays
from pipeline.stages.redaction import REDACTED
from pipeline.stages.validate import account_rules
from tests.pipeline.stages.example_facts import IN_UTC


def by_account(value: str | None, rule_type: str, *arguments: str) -> list[str]:
    """The rules of the findings when the account has this one rule for a property with this value."""
    rule = ValidationRule(rule_type=rule_type, rule_arguments=list(arguments))
    return [
        issue.reported_as or issue.rule for issue in account_rules.issues({"amount": value}, {"amount": [rule]}, IN_UTC)
    ]


@pytest.mark.parametrize(
    ("rule_type", "argument", "keeps", "breaks"),
    [
        ("MIN_NUMBER", "500", "500", "499.99"),
        ("MAX_NUMBER", "500", "500", "500.01"),
        ("MIN_LENGTH", "5", "abcde", "abcd"),
        ("MAX_LENGTH", "5", "abcde", "abcdef"),
        ("DECIMAL", "2", "1.250", "1.255"),
        ("START_DATE", "2026-01-01", "2026-01-01", "2025-12-31"),
        ("END_DATE", "2026-01-01", "2026-01-01", "2026-01-02"),
        ("START_DATETIME", "1767225600000", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
        ("END_DATETIME", "1767225600000", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("ALPHANUMERIC", "NUMERIC_ONLY", "0123", "12a"),
        ("REGEX", "^[A-Z]{3}$", "ABC", "ABCD"),
    ],
)
def test_the_admins_rules_are_applied(rule_type: str, argument: str, keeps: str, breaks: str) -> None:
    assert by_account(keeps, rule_type, argument) == []
    assert by_account(breaks, rule_type, argument) == [f"account_{rule_type.lower()}"]
    assert by_account(None, rule_type, argument) == []


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00Z", "2026-01-01T23:59:59Z", "1767225600000", "2026-01-01"])
def test_rules_for_days_compare_days(value: str) -> None:
    """Whatever the time of day."""
    assert by_account(value, "START_DATE", "2026-01-01") == []
    assert by_account(value, "END_DATE", "2026-01-01") == []
    assert by_account(value, "START_DATE", "2026-01-02") == ["account_start_date"]
    assert by_account(value, "END_DATE", "2025-12-31") == ["account_end_date"]


@pytest.mark.parametrize(
    ("days", "broken"),
    [
        (AccountDays(ZoneInfo("America/Los_Angeles")), ["account_start_date"]),
        (AccountDays(ZoneInfo("America/Los_Angeles"), frozenset({"closedate"})), []),
        (AccountDays(ZoneInfo("Pacific/Auckland")), []),
    ],
)
def test_only_an_instant_is_converted_to_the_accounts_zone(days: AccountDays, broken: list[str]) -> None:
    """The value of a date property is a day, which HubSpot sends as midnight UTC."""
    rules = {"closedate": [ValidationRule(rule_type="START_DATE", rule_arguments=["2026-01-01"])]}
    found = account_rules.issues({"closedate": "2026-01-01T00:00:00Z"}, rules, days)
    assert [issue.reported_as for issue in found] == broken


@pytest.mark.parametrize(
    ("value", "rule_type", "arguments"),
    [
        ("x", "DAYS_OF_WEEK", ["MONDAY"]),
        ("12", "MIN_NUMBER", []),
        ("12", "MIN_NUMBER", ["many"]),
        ("twelve", "MIN_NUMBER", ["5"]),
        ("12a", "ALPHANUMERIC", ["SOMETHING_NEW"]),
        ("x", "REGEX", ["(?=look)ahead"]),
        ("x", "REGEX", ["("]),
        ("soon", "START_DATE", ["2026-01-01"]),
        ("2026-01-01", "END_DATE", ["later"]),
        ("2026-01-01", "END_DATE", []),
    ],
)
def test_a_rule_that_is_not_supported_is_reported(value: str, rule_type: str, arguments: list[str]) -> None:
    """As not checked, neither passed nor broken."""
    assert by_account(value, rule_type, *arguments) == ["account_rule_unchecked"]


def test_rules_for_properties_that_are_not_read_are_reported() -> None:
    rule = ValidationRule(rule_type="MIN_NUMBER", rule_arguments=["1"])
    found = list(account_rules.issues({}, {"budget": [rule]}, IN_UTC))
    assert [(issue.rule, issue.property) for issue in found] == [("account_rule_unchecked", "budget")]


def test_a_redacted_value_is_not_checked() -> None:
    """The text that replaces it would break any rule."""
    assert by_account(REDACTED, "MAX_LENGTH", "5") == ["account_rule_unchecked"]


@pytest.mark.timeout(5)
def test_a_pattern_cannot_block_the_worker() -> None:
    """A pattern that takes a backtracking engine exponential time is decided at once."""
    assert by_account("a" * 1_000 + "!", "REGEX", "^(a|a)*$") == ["account_regex"]
