"""Values of properties: how HubSpot stores them, and which it refuses."""

from dataclasses import replace

import pytest

from sandbox.account.properties import (
    InvalidValueError,
    Property,
    choice,
    format_amount,
    instant,
    number,
    parse_number,
    stored_form,
)

DATE = replace(instant("day", "Day"), type="date")


@pytest.mark.parametrize(
    ("definition", "given", "stored"),
    [
        (instant("at", "At"), "1801353600000", "2027-01-31T00:00:00.000Z"),
        (instant("at", "At"), "2027-01-31", "2027-01-31T00:00:00.000Z"),
        (DATE, "2027-01-31T15:00:00Z", "2027-01-31"),
        (number("n", "N"), " 1e3 ", "1e3"),
        (choice("c", "C", [("a", "A")]), "a", "a"),
        (choice("c", "C"), "anything", "anything"),
    ],
)
def test_values_are_stored_in_one_form(definition: Property, given: str, stored: str) -> None:
    """An enumeration without options accepts every value."""
    assert stored_form(definition, given) == stored


@pytest.mark.parametrize(
    ("definition", "given", "code"),
    [
        (instant("at", "At"), "tomorrow", "INVALID_LONG"),
        (number("n", "N"), "inf", "INVALID_INTEGER"),
        (choice("c", "C", [("a", "A")]), "A", "INVALID_OPTION"),
    ],
)
def test_another_value_is_refused_with_hubspots_code(definition: Property, given: str, code: str) -> None:
    """An option is compared unchanged, not by its label."""
    with pytest.raises(InvalidValueError) as refused:
        stored_form(definition, given)
    assert refused.value.code == code


def test_amounts_have_two_decimals_or_none() -> None:
    """As in HubSpot's own texts; what is not a finite number is no number."""
    assert [format_amount(amount) for amount in (12_000.0, 0.5, 99.999)] == ["12000", "0.50", "100"]
    assert [parse_number(text) for text in ("1.5", "nan", "-inf", "1,5", "")] == [1.5, None, None, None, None]
