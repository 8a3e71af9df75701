"""What a deal sells, and what its amount says about it."""

from dataclasses import dataclass
from random import Random

from sandbox.account.names import PRODUCTS

NO_LINE_ITEMS, NO_AMOUNT, WRONG_TOTAL = 0.30, 0.08, 0.06


@dataclass(frozen=True, slots=True)
class Item:
    """One line; `price` and `discount` are per unit."""

    name: str
    price: float
    quantity: int
    discount: float

    def properties(self, currency: str) -> dict[str, str]:
        """As HubSpot stores a line item; the net price is calculated when it is read."""
        properties = {
            "name": self.name,
            "price": money(self.price),
            "quantity": str(self.quantity),
            "hs_line_item_currency_code": currency,
        }
        return properties | {"discount": money(self.discount)} if self.discount else properties

    @property
    def net_price(self) -> float:
        return (self.price - self.discount) * self.quantity


def money(amount: float) -> str:
    """
    >>> money(12_000.0), money(0.5)
    ('12000', '0.50')
    """
    return f"{amount:.2f}".removesuffix(".00")


def draw_items(rng: Random) -> tuple[Item, ...]:
    if rng.random() < NO_LINE_ITEMS:
        return ()
    return tuple(_item(name, price, rng) for name, price in rng.sample(PRODUCTS, rng.choice((1, 1, 2, 2, 3, 4))))


def _item(name: str, price: int, rng: Random) -> Item:
    discount = round(price * rng.choice((0, 0, 0, 0.05, 0.1)), 2)
    return Item(name, float(price), rng.choice((1, 1, 1, 2, 3, 5)), discount)


def draw_amount(items: tuple[Item, ...], rng: Random) -> str | None:
    """The total of the items, a wrong total, a round figure when there are none, or nothing."""
    draw = rng.random()
    if draw < NO_AMOUNT:
        return None
    if not items:
        return str(rng.randint(4, 400) * 250)
    total = sum(item.net_price for item in items)
    # Only a deal with items can have a wrong total, and the share is one of all deals.
    if draw < NO_AMOUNT + WRONG_TOTAL / (1 - NO_LINE_ITEMS):
        total *= rng.choice((0.5, 0.9, 1.1, 1.25))
    return money(total)
