"""An owner is suggested for an open deal that has no active one."""

from pipeline.stages.stage import StageSettings
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import changed_rulebook
from tests.pipeline.stages.processing import KENJI, ULRIKE, Processing


async def test_an_active_owner_is_suggested_for_a_deal_without_one(processing: Processing, account: Account) -> None:
    """An active owner of the list, always the same one; of the pipeline's own list if it has one."""
    processing.settings = StageSettings(rulebook=changed_rulebook(route={"*": [ULRIKE, KENJI]}))
    deal_id = account.deal()
    suggested = [(await processing.through(deal_id, "score"))["score"]["route"] for _ in range(2)]
    assert [route["owner_id"] for route in suggested] == [KENJI, KENJI]
    assert "no active owner" in suggested[0]["because"]
    owned = account.deal({"hubspot_owner_id": KENJI})
    assert (await processing.through(owned, "score"))["score"]["route"] is None
    processing.settings = StageSettings(rulebook=changed_rulebook(route={"*": [KENJI], "default": []}))
    assert (await processing.through(deal_id, "score"))["score"]["route"] is None
