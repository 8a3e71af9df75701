"""Values of requests are validated: integers, ids, object types, lists."""

from typing import Any

import pytest

from sandbox.account.object_types import DEALS, LINE_ITEMS
from sandbox.http.errors import ApiError
from sandbox.http.parsing import json_objects, json_strings, parse_id, parse_integer, parse_object_type


@pytest.mark.parametrize("value", [7, "7", "-0", 0, "10"])
def test_an_integer_may_be_a_number_or_text(value: object) -> None:
    """Between both bounds, which are included."""
    assert parse_integer("limit", value, 0, 10) == int(str(value))


@pytest.mark.parametrize("value", [True, 1.5, "", "1e3", " 7", "\u0667", "9" * 19, 11, "-1", None])
def test_any_other_integer_is_a_400_that_names_the_parameter(value: object) -> None:
    """Digits of other scripts, booleans and thousands of digits too."""
    with pytest.raises(ApiError, match="Invalid value for limit") as refused:
        parse_integer("limit", value, 0, 10)
    assert refused.value.status == 400


def test_text_that_cannot_be_an_id_is_no_id() -> None:
    """A lookup by it finds nothing instead of failing."""
    assert parse_id("12") == parse_id(12) == 12
    impossible: tuple[object, ...] = ("", "-1", "abc", "\u0667", "1" * 19, None, {})
    assert [parse_id(value) for value in impossible] == [None] * 7


def test_an_object_type_has_three_names() -> None:
    """Its id, its plural and its singular, in any case; 400 for any other."""
    for name in ("0-3", "deals", "Deal", "DEALS"):
        assert parse_object_type(name) is DEALS
    assert parse_object_type("line_item") is LINE_ITEMS
    with pytest.raises(ApiError, match="Unable to infer object type from: unicorns"):
        parse_object_type("unicorns")


@pytest.mark.parametrize("value", [{}, "text", 7, [7], [{}, "x"], [[]]])
def test_a_list_that_holds_something_else_is_a_400(value: Any) -> None:
    """Null is an empty list."""
    with pytest.raises(ApiError, match="Invalid input JSON"):
        json_objects("inputs", value)
    assert json_objects("inputs", None) == []
    assert json_strings("properties", None) == []


def test_a_list_can_have_a_most_of_entries() -> None:
    """The message names both numbers."""
    assert json_objects("inputs", [{}, {}], most=2) == [{}, {}]
    with pytest.raises(ApiError, match="inputs has 3 entries; at most 2 are allowed"):
        json_objects("inputs", [{}, {}, {}], most=2)
