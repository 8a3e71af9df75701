"""A won deal is checked for what the next team needs."""

from tests.crm.account import Account
from tests.pipeline.stages.processing import KENJI, Processing, message


async def test_a_won_deal_is_checked_for_the_hand_off(processing: Processing, account: Account) -> None:
    """The finding lists what is missing; an open deal has no checklist."""
    given = {"dealstage": "closedwon", "amount": "5", "closedate": "2026-11-01", "hubspot_owner_id": KENJI}
    output = (await processing.through(account.deal(given), "score"))["score"]
    assert [check["item"] for check in output["hand_off"] if not check["is_there"]] == ["contact", "company"]
    assert message(output, "hand_off_incomplete").endswith("lacks: contact, company.")
    assert (await processing.through(account.deal(), "score"))["score"]["hand_off"] == []
