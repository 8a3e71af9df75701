"""Score combines completeness, value, age, routing, hand-off and priority in one output."""

from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from pipeline.stages.score import deal_value, hand_off, stage_age
from pipeline.stages.stage import StageFailed
from tests.crm.account import Account
from tests.pipeline.stages.processing import KENJI, Processing


async def test_a_complete_deal_scores_a_hundred(processing: Processing, account: Account) -> None:
    """Its line items add up, its value is weighted by the stage's probability, and it needs no action."""
    company = account.company()
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    deal_id = account.deal(
        {
            "amount": "1000.50",
            "deal_currency_code": "EUR",
            "closedate": soon,
            "dealstage": "appointmentscheduled",
            "hubspot_owner_id": KENJI,
            "hs_next_step": "Send the quote",
        },
        contacts=[account.contact(company=company)],
        companies=[company],
        line_items=[account.line_item("500.25", "1", "EUR"), account.line_item("250.125", "2", "EUR")],
    )
    account.move(deal_id, "qualifiedtobuy")
    output = (await processing.through(deal_id, "score"))["score"]
    assert output == {
        "completeness": 100,
        "totals": {"line_items": 2, "total": "1000.50", "reason": None},
        "weighted_value": "400.20",
        "stage_age_days": 0,
        "usual_stage_age_days": None,
        "days_without_activity": None,
        "priority": None,
        "route": None,
        "hand_off": [],
        "findings": [],
    }


@pytest.mark.parametrize(
    ("module", "function", "rule"),
    [
        (deal_value, "add_up", "line_items_differ"),
        (deal_value, "weighted_value", "weighted_value"),
        (deal_value, "issues", "line_items_differ"),
        (stage_age, "issues", "long_in_stage"),
        (hand_off, "issues", "hand_off_incomplete"),
    ],
)
async def test_a_rule_that_raises_fails_the_stage(
    processing: Processing,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    function: str,
    rule: str,
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(module, function, breaks)
    with pytest.raises(StageFailed, match=f"The rule {rule} could not be applied: ZeroDivisionError: by zero"):
        await processing.through(account.deal(), "score")
