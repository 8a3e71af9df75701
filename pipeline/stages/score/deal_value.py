"""What a deal is worth: its amount compared with the sum of its line items, and weighted by its probability."""

from collections.abc import Iterator, Sequence
from decimal import Context, Decimal
from functools import reduce

from pydantic import BaseModel

from pipeline.stages.deal_facts import DealFacts, number_or_none
from pipeline.stages.fetch.output import LineItem
from pipeline.stages.findings import Issue

CENT = Decimal("0.01")
# An amount may have thirty digits (crm/records.py); with cents that exceeds the 28 of Python's default context.
WIDE = Context(prec=80)


class Totals(BaseModel):
    """`total` is the sum of the line items' net amounts, in the deal's currency; when it is None, `reason` says why."""

    line_items: int
    total: Decimal | None
    reason: str | None


def add_up(items: Sequence[LineItem], currency: str | None, *, complete: bool) -> Totals:
    """A total is only given when it covers every line item and one currency."""
    amounts = [number_or_none(item.amount) for item in items]
    known = [amount for amount in amounts if amount is not None]
    reason = None
    if not items:
        reason = "The deal has no line items."
    elif not complete or len(known) < len(amounts):
        reason = "Not every line item or its amount could be read."
    else:
        reason = _mixed({item.currency for item in items if item.currency}, currency)
    return Totals(line_items=len(items), total=None if reason else reduce(WIDE.add, known, Decimal()), reason=reason)


def _mixed(currencies: set[str], of_deal: str | None) -> str | None:
    """A deal or line item without a currency is in the account's own, which is not known here: it matches any one."""
    if of_deal and currencies - {of_deal}:
        return f"Line items are in other currencies than the deal's {of_deal}."
    return "Line items are in several currencies." if len(currencies) > 1 else None


def issues(facts: DealFacts, totals: Totals, may_differ: Decimal) -> Iterator[Issue]:
    amount = facts.number("amount")
    if totals.total is None:
        if totals.line_items:
            yield Issue("line_items_not_compared", totals.reason or "", "amount")
    elif amount is None:
        message = f"The amount is empty; the line items add up to {totals.total}."
        yield Issue("amount_from_line_items", message, "amount")
    elif WIDE.abs(WIDE.subtract(amount, totals.total)) > may_differ:
        message = f"The amount is {amount}, and the line items add up to {totals.total}."
        yield Issue("line_items_differ", message, "amount")


def weighted_value(facts: DealFacts) -> Decimal | None:
    """Amount times probability, in the deal's currency."""
    amount = facts.number("amount")
    probability = facts.stage.probability if facts.stage else None
    return None if amount is None or probability is None else WIDE.quantize(WIDE.multiply(amount, probability), CENT)
