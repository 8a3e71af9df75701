"""Example facts of a deal, and rulebooks that differ from the shipped one: for the tests of rules."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crm.responses import DealPipeline, DealStage, Option, Owner, PropertyDefinition, StageMetadata
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages.account_days import AccountDays
from pipeline.stages.deal_facts import DealFacts

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IN_UTC = AccountDays(UTC)
OPEN = DealStage(id="qualifiedtobuy", label="Qualified To Buy", metadata=StageMetadata(probability="0.4"))
WON = DealStage(id="closedwon", label="Closed Won", metadata=StageMetadata(probability="1.0", is_closed="true"))
LOST = DealStage(id="closedlost", label="Closed Lost", metadata=StageMetadata(probability="0.0", is_closed="true"))
DEFAULT = DealPipeline(id="default", label="Sales Pipeline")
OWNER = Owner(id="7", first_name="Ada", last_name="Byron")
GOOD = {
    "dealname": "Loom rollout",
    "amount": "1200.50",
    "deal_currency_code": "EUR",
    "pipeline": "default",
    "dealstage": "qualifiedtobuy",
    "closedate": "2026-12-24T00:00:00Z",
    "hubspot_owner_id": "7",
    "hs_next_step": "Send the quote",
    "hs_last_activity_date": "2026-11-20T00:00:00Z",
}
CURRENCIES = PropertyDefinition(name="deal_currency_code", options=[Option(value="USD")])


def facts(
    *,
    stage: DealStage | None = OPEN,
    owner: Owner | None = OWNER,
    pipeline: DealPipeline | None = DEFAULT,
    currencies: PropertyDefinition | None = None,
    now: datetime = NOW,
    days: AccountDays = IN_UTC,
    **properties: str | None,
) -> DealFacts:
    """An open deal without any finding, except for the values that are given."""
    return DealFacts(
        properties={**GOOD, **properties},
        pipeline=pipeline,
        stage=stage,
        owner=owner,
        currencies=currencies,
        now=now,
        days=days,
    )


def changed_rulebook(**tables: Mapping[Any, Any]) -> Rulebook:
    """The shipped rulebook with these tables replaced."""
    return Rulebook.model_validate({**shipped_rulebook().model_dump(), **tables})
