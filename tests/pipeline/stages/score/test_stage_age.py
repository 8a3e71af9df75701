"""A deal that has been in its stage for too long is reported."""

from datetime import UTC, datetime, timedelta

from pipeline.rulebook import shipped_rulebook
from pipeline.stages.score import stage_age
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import (
    facts,
)
from tests.pipeline.stages.processing import Processing, message, rules


async def test_a_deal_that_stays_long_in_a_stage_is_reported(processing: Processing, account: Account) -> None:
    """After more than 90 days; a closed deal may stay in its stage."""
    later = datetime.now(UTC) + timedelta(days=91, hours=1)
    deal_id = account.deal({"dealstage": "appointmentscheduled"})
    account.move(deal_id, "qualifiedtobuy")
    open_deal = (await processing.through(deal_id, "score", now=later))["score"]
    assert open_deal["stage_age_days"] == 91
    assert "Qualified To Buy for 91 days" in message(open_deal, "long_in_stage")
    closed = (await processing.through(account.deal({"dealstage": "closedwon"}), "score", now=later))["score"]
    assert "long_in_stage" not in rules(closed)


def test_slow_is_more_than_a_multiple_of_the_median() -> None:
    limits = shipped_rulebook().limits
    deal = facts()
    assert [issue.rule for issue in stage_age.issues(deal, 41, 20, limits)] == ["slow_in_stage"]
    assert list(stage_age.issues(deal, 40, 20, limits)) == []
    assert list(stage_age.issues(deal, 13, 2, limits)) == []
    assert [issue.rule for issue in stage_age.issues(deal, 91, 20, limits)] == ["long_in_stage"]
    assert [issue.rule for issue in stage_age.issues(deal, None, 20, limits)] == ["stage_age_unknown"]
