"""The line items of a deal, and an amount that agrees with them or does not."""

from dataclasses import dataclass
from random import Random

from sandbox.account.names import PRODUCTS
from sandbox.account.properties import format_amount

NO_LINE_ITEMS, NO_AMOUNT, WRONG_TOTAL = 0.30, 0.08, 0.06


@dataclass(frozen=True, slots=True)
class LineItem:
    """`price` and `discount` are per unit."""

    name: str
    price: float
    quantity: int
    discount: float

    def properties(self, currency: str) -> dict[str, str]:
        """The stored properties; HubSpot calculates the net price at each read."""
        properties = {
            "name": self.name,
            "price": format_amount(self.price),
            "quantity": str(self.quantity),
            "hs_line_item_currency_code": currency,
        }
        return properties | {"discount": format_amount(self.discount)} if self.discount else properties

    @property
    def net_price(self) -> float:
        return (self.price - self.discount) * self.quantity


def draw_items(rng: Random) -> tuple[LineItem, ...]:
    if rng.random() < NO_LINE_ITEMS:
        return ()
    items = []
    for name, price in rng.sample(PRODUCTS, rng.choice((1, 1, 2, 2, 3, 4))):
        discount = round(price * rng.choice((0, 0, 0, 0.05, 0.1)), 2)
        items.append(LineItem(name, float(price), rng.choice((1, 1, 1, 2, 3, 5)), discount))
    return tuple(items)


def draw_amount(items: tuple[LineItem, ...], rng: Random) -> str | None:
    """The total of the items, a wrong total, a round figure without items, or no amount."""
    draw = rng.random()
    if draw < NO_AMOUNT:
        return None
    if not items:
        return str(rng.randint(4, 400) * 250)
    total = sum(item.net_price for item in items)
    # Only a deal with items can have a wrong total, and WRONG_TOTAL is a share of all deals.
    if draw < NO_AMOUNT + WRONG_TOTAL / (1 - NO_LINE_ITEMS):
        total *= rng.choice((0.5, 0.9, 1.1, 1.25))
    return format_amount(total)
