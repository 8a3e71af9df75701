"""Completeness is the weights of the parts that a deal has, as a share of all weights."""

from tests.crm.account import Account
from tests.pipeline.stages.processing import KENJI, ULRIKE, Processing


async def test_each_missing_part_costs_its_weight(processing: Processing, account: Account) -> None:
    """An open deal with nothing but a name has the name's weight; a closed deal needs no next step."""
    bare = (await processing.through(account.deal(), "score"))["score"]
    assert (bare["completeness"], bare["weighted_value"], bare["priority"]) == (10, None, "high")
    closed = (await processing.through(account.deal({"dealstage": "closedwon", "amount": "5"}), "score"))["score"]
    assert closed["completeness"] == round(100 * 30 / 90)


async def test_a_deactivated_owner_does_not_count(processing: Processing, account: Account) -> None:
    gone = (await processing.through(account.deal({"hubspot_owner_id": ULRIKE}), "score"))["score"]
    here = (await processing.through(account.deal({"hubspot_owner_id": KENJI}), "score"))["score"]
    assert here["completeness"] - gone["completeness"] == 15
