"""How similar two deals are: their names, amounts and times of creation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from pipeline.rulebook.tables import Duplicates

# The likeness of a part that is missing in one of the deals.
UNKNOWN = 0.5


@dataclass(frozen=True, slots=True)
class Comparable:
    name: str
    amount: Decimal | None
    currency: str | None
    created_at: datetime | None


def score(one: Comparable, other: Comparable, shared_words: frozenset[str], limits: Duplicates) -> int | None:
    """0 to 100; None when the two are different deals. `shared_words`, of the company's name, are ignored."""
    name = name_likeness(one.name, other.name, shared_words, limits)
    amount = _amount_likeness(one, other, limits)
    created = _created_likeness(one.created_at, other.created_at, limits)
    if name is None or amount is None or created is None:
        return None
    alike = limits.name_weight * name + limits.amount_weight * amount + limits.created_weight * created
    return round(100 * alike / (limits.name_weight + limits.amount_weight + limits.created_weight))


def words(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(word for text in texts if text for word in default_process(text).split())


def name_likeness(one: str, other: str, shared_words: frozenset[str], limits: Duplicates) -> float | None:
    """0 to 1: the mean likeness of the whole names and of their matter, what is left without the shared words.

    `Acme - renewal` and `Acme - pilot` share the company's name, not the matter: they are different deals.
    The matter is short, so a word that only one of them has ("copy", "2", "Limited") does not count against it.
    """
    one, other = default_process(one), default_process(other)
    # As typed, or with the words in any order.
    whole = max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other))
    matter = fuzz.token_set_ratio(_without(one, shared_words), _without(other, shared_words))
    if whole < limits.whole_name_at_least or matter < limits.matter_at_least:
        return None
    return (whole + matter) / 200


def _without(name: str, shared_words: frozenset[str]) -> str:
    return " ".join(word for word in name.split() if word not in shared_words) or name


def _amount_likeness(one: Comparable, other: Comparable, limits: Duplicates) -> float | None:
    """Amounts in different currencies are not compared: no exchange rate is known."""
    if one.amount is None or other.amount is None or one.currency != other.currency:
        return UNKNOWN
    within = Decimal(str(limits.amount_within_percent)) / 100
    difference, allowed = abs(one.amount - other.amount), within * max(abs(one.amount), abs(other.amount))
    if difference > allowed:
        return None
    return 1.0 - float(difference / allowed) / 2 if allowed else 1.0


def _created_likeness(one: datetime | None, other: datetime | None, limits: Duplicates) -> float | None:
    if one is None or other is None:
        return UNKNOWN
    apart, within = abs(one - other), timedelta(days=limits.created_within_days)
    return None if apart > within else 1.0 - apart / within
