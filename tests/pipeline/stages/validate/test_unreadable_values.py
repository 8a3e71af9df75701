"""What could not be read of a deal is a finding with the property and how its value begins."""

from typing import Any

import pytest

from pipeline.stages.findings import Issue
from pipeline.stages.validate import unreadable_values
from tests.crm.account import Account
from tests.hubspot import Sandbox
from tests.pipeline.stages.example_facts import facts
from tests.pipeline.stages.processing import Processing, message, rules


def found_in(*unreadable: str, **properties: Any) -> list[Issue]:
    return list(unreadable_values.issues(facts(**properties), unreadable))


def test_readable_values_are_no_findings() -> None:
    assert found_in() == []
    assert found_in(num_associated_contacts="2", createdate="1793534400000", hs_last_activity_date=None) == []


@pytest.mark.parametrize(
    ("name", "value", "rule", "words"),
    [
        (
            "hs_last_activity_date",
            "yesterday",
            "value_unreadable",
            "cannot be read: 'yesterday'",
        ),
        ("createdate", "0001-01-01", "value_unreadable", "createdate in HubSpot cannot be read: '0001-01-01'"),
        ("num_associated_contacts", "two", "value_unreadable", "'two'"),
        ("dealname", "Loom \ufffd", "text_damaged", "lost a character, which is shown as \ufffd"),
    ],
)
def test_a_value_of_the_wrong_kind_is_found(name: str, value: str, rule: str, words: str) -> None:
    """Dates, numbers and damaged texts, by their text."""
    (issue,) = found_in(**{name: value})
    assert (issue.rule, issue.property, words in issue.message) == (rule, name, True)
    assert issue.message.endswith(".")


def test_what_fetch_could_not_read_is_found() -> None:
    """With its JSON text where there is one; amount and close date have rules of their own."""
    found = found_in("dealname", "properties", "amount", "closedate", dealname='["x"]')
    assert [(issue.property, issue.message) for issue in found] == [
        ("dealname", """The value of dealname in HubSpot cannot be read: '["x"]'."""),
        ("properties", "The value of properties in HubSpot cannot be read."),
    ]


@pytest.mark.parametrize("batches", [False, True])
async def test_a_run_reads_the_rest_of_a_deal_with_odd_values(
    processing: Processing, account: Account, hubspot: Sandbox, batches: bool
) -> None:
    """Read by itself or in a batch: the amount and the name are findings, and nothing fails."""
    ids = [account.deal({"hs_next_step": "Call"}) for _ in range(3 if batches else 1)]
    stored = [await processing.store(identifier) for identifier in ids]
    hubspot.fault("odd_value", None, "/0-3", field="properties", value=ODD, record=ids[0], times=None)
    try:
        outputs = await processing.outputs(stored[0], ids[0], "validate")
    finally:
        hubspot.heal()
    assert outputs["fetch"]["properties"]["amount"] == '["1,800.00"]'
    assert sorted(outputs["fetch"]["unreadable"])[:2] == ["amount", "dealname"]
    assert {"amount_unreadable", "value_unreadable", "text_damaged"} <= set(rules(outputs["validate"]))
    assert "amount_missing" not in rules(outputs["validate"])
    assert """'["1,800.00"]' is not a number""" in message(outputs["validate"], "amount_unreadable")


ODD = r"""{"amount": ["1,800.00"], "dealname": {}, "closed_lost_reason": "\ud83d", "dealstage": "qualifiedtobuy",
    "pipeline": "default", "hs_lastmodifieddate": "2026-11-01T12:00:00Z"}"""
