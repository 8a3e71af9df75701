"""Generated deals: the promised share of data errors, and values that agree with each other."""

from collections import Counter

import pytest

from sandbox.account.account import Account
from sandbox.account.object_types import DEALS, LINE_ITEMS
from sandbox.account.owners import INACTIVE_OWNER
from sandbox.account.pipelines import PIPELINES
from sandbox.account.records import Record
from sandbox.account.timestamps import parse_timestamp
from tests.sandbox.account.conftest import DEALS_COUNTED


def test_the_shares_of_data_errors_are_those_in_the_docs(large: Account) -> None:
    """Within a third of each share of docs/sandbox.md, "Data"."""
    shares = data_errors(large)
    expected = {
        "no amount": 0.08,
        "no close date": 0.05,
        "open past close date": 0.10,
        "no contact": 0.10,
        "no company": 0.15,
        "no owner": 0.05,
        "inactive owner": 0.03,
        "wrong total": 0.06,
    }
    for name, share in expected.items():
        assert shares[name] / DEALS_COUNTED == pytest.approx(share, rel=1 / 3), name


def data_errors(account: Account) -> Counter[str]:
    counted: Counter[str] = Counter()
    for deal in account.table(DEALS):
        read = {name: account.read(DEALS, deal, name) for name in DEALS.properties}
        closes = parse_timestamp(read["closedate"] or "")
        counted["no amount"] += read["amount"] is None
        counted["no close date"] += closes is None
        counted["open past close date"] += (
            read["hs_is_closed"] == "false" and closes is not None and closes < account.now_ms()
        )
        counted["no contact"] += read["num_associated_contacts"] == "0"
        counted["no company"] += read["hs_primary_associated_company"] is None
        counted["no owner"] += read["hubspot_owner_id"] is None
        counted["inactive owner"] += read["hubspot_owner_id"] == str(INACTIVE_OWNER.id)
        counted["wrong total"] += total_differs(account, deal)
    return counted


def total_differs(account: Account, deal: Record) -> bool:
    """Whether the line items do not add up to the amount; half a cent is rounding."""
    items = [account.table(LINE_ITEMS).get(item) for item in account.associations.of("deals", deal.id, "line_items")]
    prices = [float(account.read(LINE_ITEMS, item, "amount") or 0) for item in items if item is not None]
    amount = deal.get("amount")
    return bool(prices) and amount is not None and abs(sum(prices) - float(amount)) > 0.005 * (len(prices) + 1)


def test_duplicates_belong_to_the_same_company(large: Account) -> None:
    """About four deals in a hundred have a near copy of an earlier deal's name."""
    by_company: dict[str, list[Record]] = {}
    copies = 0
    for deal in large.table(DEALS):
        company = large.read(DEALS, deal, "hs_primary_associated_company")
        earlier = by_company.setdefault(company or "", [])
        copies += company is not None and any(
            f"{other.get('dealname')} (copy)" == deal.get("dealname") for other in earlier
        )
        earlier.append(deal)
    # One of the six ways to write a near name.
    assert copies * 6 / DEALS_COUNTED == pytest.approx(0.04, rel=0.5)


def test_names_are_hostile_foreign_and_long(large: Account) -> None:
    """Deal names include markup, other scripts and hundreds of characters."""
    names = [deal.properties["dealname"] for deal in large.table(DEALS)]
    assert any("<script>" in name for name in names)
    assert any(ord(character) > 0x3000 for name in names for character in name)
    assert any(len(name) > 250 for name in names)


def test_times_are_in_order(large: Account) -> None:
    """Created, then stages entered, then last modified, all in the past; many share one millisecond."""
    for deal in large.table(DEALS):
        entered = parse_timestamp(deal.properties["hs_v2_date_entered_current_stage"])
        assert entered is not None
        assert deal.created_ms <= entered <= deal.modified_ms <= large.now_ms()
        assert deal.history["dealstage"][0].value == deal.get("dealstage")
    (_, most), *_ = Counter(deal.modified_ms for deal in large.table(DEALS)).most_common(1)
    assert most > DEALS_COUNTED * 0.02


def test_stages_belong_to_their_pipeline(large: Account) -> None:
    """Both pipelines and every stage of them are in use; the second has numeric ids."""
    used = {(deal.get("pipeline"), deal.get("dealstage")) for deal in large.table(DEALS)}
    assert used == {(pipeline.id, stage.id) for pipeline in PIPELINES for stage in pipeline.stages}
    assert all(stage.id.isdecimal() for stage in PIPELINES[1].stages)


def test_currencies_are_mixed(large: Account) -> None:
    """Every currency of the account occurs."""
    assert {deal.get("deal_currency_code") for deal in large.table(DEALS)} == {"USD", "EUR", "GBP", "SEK"}
