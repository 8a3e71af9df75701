"""Calculated properties agree with the values that they are computed from."""

import httpx
import pytest

from sandbox.account.associations import Associations
from sandbox.account.calculated_properties import CALCULATED
from sandbox.account.records import Record

DEALS = "/crm/objects/2026-09/0-3"


def test_calculated_properties_follow_the_stage(api: httpx.Client) -> None:
    """Closed or not, probability and weighted amount agree with the pipeline."""
    names = "dealstage,pipeline,amount,hs_is_closed,hs_is_closed_won,hs_deal_stage_probability,hs_projected_amount"
    for deal in api.get(DEALS, params={"limit": 100, "properties": names}).json()["results"]:
        shown = deal["properties"]
        probability = float(shown["hs_deal_stage_probability"])
        assert shown["hs_is_closed"] == str(probability in (0, 1)).lower()
        assert shown["hs_is_closed_won"] == str(probability == 1).lower()
        if shown["amount"] is not None:
            assert float(shown["hs_projected_amount"]) == pytest.approx(float(shown["amount"]) * probability, abs=0.01)


def test_the_amount_of_a_line_item_is_its_net_price(api: httpx.Client) -> None:
    """(price - discount) x quantity."""
    names = "price,quantity,discount,amount"
    items = api.get("/crm/objects/2026-09/line_items", params={"limit": 100, "properties": names}).json()["results"]
    for item in items:
        shown = item["properties"]
        net = (float(shown["price"]) - float(shown["discount"] or 0)) * float(shown["quantity"])
        assert float(shown["amount"]) == pytest.approx(net, abs=0.01)
    assert any(item["properties"]["discount"] for item in items)


@pytest.mark.parametrize(
    ("name", "properties", "value"),
    [
        ("amount_in_home_currency", {"amount": "100", "deal_currency_code": "EUR"}, "108"),
        ("amount_in_home_currency", {"deal_currency_code": "EUR"}, None),
        ("hs_exchange_rate", {}, "1"),
        ("days_to_close", {"closedate": "1970-01-11T12:00:00.000Z"}, "10"),
        ("days_to_close", {"closedate": "1969-01-01"}, "0"),
        ("hs_closed_amount", {"amount": "100", "dealstage": "closedlost"}, "0"),
        ("hs_deal_stage_probability", {"dealstage": "unknown"}, None),
    ],
)
def test_a_value_is_missing_when_it_cannot_be_computed(
    name: str, properties: dict[str, str], value: str | None
) -> None:
    """Currency, days and stages, also of a deal that lacks them."""
    deal = Record(1, properties, created_ms=0, modified_ms=0, history={})
    assert CALCULATED["deals", name](deal, Associations()) == value
