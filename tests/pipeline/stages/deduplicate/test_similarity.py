"""Two deals are similar when their names, amounts and days of creation are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pipeline.rulebook import shipped_rulebook
from pipeline.stages.deduplicate.similarity import Comparable, name_likeness, score, words

COMPANY, NAME = "Engines Ltd", "Engines Ltd - loom rollout"
CREATED = datetime(2026, 11, 1, tzinfo=UTC)
ENGINES = words([COMPANY])
LIMITS = shipped_rulebook().duplicates


@pytest.mark.parametrize(
    "other",
    [
        NAME,
        NAME.upper(),
        f"{NAME} (copy)",
        f"{NAME} 2",
        "Engines Ltd \u2013 loom rollout",
        "Engines Limited - loom rollout",
        "Engines Ltd - loom rolluot",
        "Egnines Ltd - loom rollout",
    ],
)
def test_variants_of_a_name_are_similar(other: str) -> None:
    assert name_likeness(NAME, other, ENGINES, LIMITS) is not None


@pytest.mark.parametrize(
    "other",
    ["Engines Ltd - annual licence", "Engines Ltd - pilot", "Engines Ltd", "株式会社ナカムラ 年間ライセンス", "", "🚀"],
)
def test_other_matters_of_the_same_company_are_different(other: str) -> None:
    assert name_likeness(NAME, other, ENGINES, LIMITS) is None


def compare(amount: str | None = "1000", currency: str | None = "EUR", days: int | None = 0) -> int | None:
    created = None if days is None else CREATED + timedelta(days=days)
    this = Comparable(NAME, Decimal(1000), "EUR", CREATED)
    return score(this, Comparable(NAME, Decimal(amount) if amount else None, currency, created), ENGINES, LIMITS)


def test_the_score_falls_with_distance() -> None:
    """100 for identical deals; an unknown part counts half; amounts in two currencies are not compared."""
    assert compare() == 100
    assert compare("1020") == 96
    assert compare(days=30) == 95
    assert compare(None) == compare("1", "USD") == 90
    assert compare(days=None) == 95


def test_beyond_the_limits_it_is_another_deal() -> None:
    """Five per cent of the larger amount, sixty days."""
    assert compare("1053") is None
    assert compare("949") is None
    assert compare(days=61) is None


def test_two_amounts_of_zero_are_equal() -> None:
    nothing = Comparable(NAME, Decimal(0), "EUR", CREATED)
    assert score(nothing, nothing, ENGINES, LIMITS) == 100
