"""A deal's properties are parsed once; what cannot be parsed or found is None."""

from datetime import UTC, datetime
from decimal import Decimal

from crm.client import HubSpot
from pipeline.stages.deal_facts import load_facts
from tests.hubspot import catalog
from tests.pipeline.stages.example_facts import LOST, NOW, OWNER, WON, facts
from tests.pipeline.stages.processing import KENJI


async def test_definitions_are_looked_up_by_their_ids(client: HubSpot) -> None:
    """The pipeline, stage and owner that the properties name, and the account's currencies."""
    properties = {"pipeline": "default", "dealstage": "qualifiedtobuy", "hubspot_owner_id": KENJI}
    loaded = await load_facts(properties, catalog(client), NOW)
    assert loaded.pipeline is not None
    assert loaded.stage is not None
    assert loaded.owner is not None
    assert (loaded.pipeline.id, loaded.stage.label, loaded.owner.id) == ("default", "Qualified To Buy", KENJI)
    assert loaded.currencies is not None


async def test_an_unknown_id_has_no_definition(client: HubSpot) -> None:
    """Nor has a property without a value."""
    loaded = await load_facts(
        {"pipeline": "default", "dealstage": "gone", "hubspot_owner_id": None}, catalog(client), NOW
    )
    assert (loaded.stage, loaded.owner) == (None, None)
    assert not loaded.is_open


def test_values_are_stripped_and_parsed() -> None:
    deal = facts(dealname="  Loom ", amount=" 12.50 ", closedate="2026-11-01")
    assert deal.text("dealname") == "Loom"
    assert deal.number("amount") == Decimal("12.50")
    assert deal.instant("closedate") == datetime(2026, 11, 1, tzinfo=UTC)


def test_a_value_that_cannot_be_parsed_is_none() -> None:
    deal = facts(dealname=" ", amount="twelve", closedate="soon")
    assert (deal.text("dealname"), deal.number("amount"), deal.instant("closedate")) == (None, None, None)
    assert deal.text("no such property") is None


def test_a_closed_deal_is_won_or_lost() -> None:
    """A deal in an unknown stage is neither open nor closed."""
    assert [(deal.is_open, deal.is_won, deal.is_lost) for deal in (facts(), facts(stage=WON), facts(stage=LOST))] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    unknown = facts(stage=None)
    assert (unknown.is_open, unknown.is_won, unknown.is_lost) == (False, False, False)


def test_a_deactivated_owner_does_not_count() -> None:
    assert facts().has_owner
    assert not facts(owner=OWNER.model_copy(update={"archived": True})).has_owner
    assert not facts(owner=None).has_owner
