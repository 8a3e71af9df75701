"""How alike two deals are: their names, amounts and days of creation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

# Names below either are different: `Acme - renewal` and `Acme - pilot` share the company's name, not the matter.
WHOLE_NAME_AT_LEAST = 80.0
MATTER_AT_LEAST = 60.0
AMOUNT_WITHIN = Decimal("0.05")
CREATED_WITHIN = timedelta(days=60)
# What each part contributes to a score of 100; a part that is not known counts half.
NAME_WEIGHT, AMOUNT_WEIGHT, CREATED_WEIGHT = 0.7, 0.2, 0.1
NOT_KNOWN = 0.5


@dataclass(frozen=True, slots=True)
class Comparable:
    name: str
    amount: Decimal | None
    currency: str | None
    created_at: datetime | None


def score(one: Comparable, other: Comparable, shared_words: frozenset[str]) -> int | None:
    """0 to 100; None when the two are different deals. `shared_words` (of the company's name) tell nothing."""
    name = name_likeness(one.name, other.name, shared_words)
    amount = _amount_likeness(one, other)
    created = _created_likeness(one.created_at, other.created_at)
    if name is None or amount is None or created is None:
        return None
    return round(100 * (NAME_WEIGHT * name + AMOUNT_WEIGHT * amount + CREATED_WEIGHT * created))


def words(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(word for text in texts if text for word in default_process(text).split())


def name_likeness(one: str, other: str, shared_words: frozenset[str]) -> float | None:
    """0 to 1: how alike the names are as a whole, and what is left of them without the shared words.

    What is left is short, so there a word that only one of them has ("copy", "2", "Limited") counts nothing.
    """
    one, other = default_process(one), default_process(other)
    # As they are typed, or with the words in any order.
    whole = max(fuzz.ratio(one, other), fuzz.token_sort_ratio(one, other))
    matter = fuzz.token_set_ratio(_without(one, shared_words), _without(other, shared_words))
    if whole < WHOLE_NAME_AT_LEAST or matter < MATTER_AT_LEAST:
        return None
    return (whole + matter) / 200


def _without(name: str, shared_words: frozenset[str]) -> str:
    return " ".join(word for word in name.split() if word not in shared_words) or name


def _amount_likeness(one: Comparable, other: Comparable) -> float | None:
    """Amounts in different currencies cannot be compared here: there is no rate."""
    if one.amount is None or other.amount is None or one.currency != other.currency:
        return NOT_KNOWN
    difference, allowed = abs(one.amount - other.amount), AMOUNT_WITHIN * max(abs(one.amount), abs(other.amount))
    if difference > allowed:
        return None
    return 1.0 - float(difference / allowed) / 2 if allowed else 1.0


def _created_likeness(one: datetime | None, other: datetime | None) -> float | None:
    if one is None or other is None:
        return NOT_KNOWN
    apart = abs(one - other)
    return None if apart > CREATED_WITHIN else 1.0 - apart / CREATED_WITHIN
