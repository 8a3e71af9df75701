"""Validate applies the built-in rules and the account's own, and never fails on bad data."""

from datetime import UTC, datetime, timedelta

from tests.crm.account import Account
from tests.pipeline.stages.processing import Processing, message
from tests.pipeline.stages.processing import rules as rules_of


async def test_a_bad_deal_has_findings_and_a_good_one_has_none(processing: Processing, account: Account) -> None:
    """With the sandbox's pipelines, owners, properties and validation rules."""
    late = datetime.now(UTC) - timedelta(days=3)
    dirty = await processing.through(
        account.deal({"amount": "400", "closedate": late.isoformat(), "hubspot_owner_id": "76001988"}), "validate"
    )
    assert set(rules_of(dirty["validate"])) == {
        "close_date_past", "owner_inactive", "next_step_missing", "account_min_number"
    }  # fmt: skip
    assert "Ulrike Brandt" in message(dirty["validate"], "owner_inactive")
    assert "MIN_NUMBER 500" in message(dirty["validate"], "account_min_number")
    soon = datetime.now(UTC) + timedelta(days=30)
    clean = await processing.through(
        account.deal(
            {
                "amount": "900",
                "closedate": soon.isoformat(),
                "hubspot_owner_id": "79544102",
                "hs_next_step": "Send the quote",
                "deal_currency_code": "EUR",
            }
        ),
        "validate",
    )
    assert clean["validate"]["findings"] == []
