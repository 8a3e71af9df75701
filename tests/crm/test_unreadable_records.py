"""A value that cannot be read is None beside its text, and hides no other value of its record."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.errors import RecordError
from crm.records import parse_deal, parse_instant
from tests.crm.test_records import MODIFIED, raw


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("amount", "1,800.00", "1,800.00"),
        ("amount", "NaN", "NaN"),
        ("amount", "Infinity", "Infinity"),
        ("amount", "1_000", "1_000"),
        ("amount", "\uff11\uff12", "\uff11\uff12"),
        ("amount", "12,50", "12,50"),
        ("amount", "1e999", "1e999"),
        ("amount", "1" * 31, "1" * 31),
        ("amount", True, "true"),
        ("amount", ["12"], '["12"]'),
        ("closedate", "soon", "soon"),
        ("closedate", "9" * 16, "9" * 16),
        ("closedate", "0001-01-01", "0001-01-01"),
        ("closedate", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("closedate", "-62135596800000", "-62135596800000"),
        ("closedate", "1899-12-31T23:59:59Z", "1899-12-31T23:59:59Z"),
        ("closedate", "3000-01-01", "3000-01-01"),
        ("closedate", "10000-01-01", "10000-01-01"),
        ("closedate", "infinity", "infinity"),
        ("closedate", {"a": 1}, '{"a":1}'),
        ("createdate", "0000-00-00", "0000-00-00"),
        ("dealname", ["x"], '["x"]'),
        ("dealname", {}, "{}"),
        ("dealstage", [], "[]"),
        ("hubspot_owner_id", {"id": "7"}, '{"id":"7"}'),
        ("hs_last_activity_date", "yesterday", "yesterday"),
        ("num_associated_contacts", "two", "two"),
    ],
)
def test_a_value_that_cannot_be_read_is_none_beside_its_text(name: str, value: Any, text: str) -> None:
    """Every other value of the record is read."""
    good = {"dealname": "Loom", "amount": "5", "closedate": "2026-12-24", "dealstage": "won", "hubspot_owner_id": "7"}
    deal = parse_deal(raw(**good | {name: value}))
    read = {
        "dealname": deal.name,
        "amount": deal.amount,
        "closedate": deal.close_date,
        "dealstage": deal.stage,
        "hubspot_owner_id": deal.owner_id,
    }
    assert deal.unreadable == {name: text}
    assert deal.properties[name] == text
    assert [column for column, found in read.items() if found is None] == ([name] if name in read else [])
    assert (deal.modified_at, deal.created_at) == (parse_instant(MODIFIED), None)


@pytest.mark.parametrize(("value", "text"), [(1800, "1800"), (0.5, "0.5"), (True, "true"), (0, "0"), (False, "false")])
def test_a_json_number_or_boolean_is_read_as_its_text(value: Any, text: str) -> None:
    deal = parse_deal(raw(dealname=value))
    assert (deal.name, deal.properties["dealname"], deal.unreadable) == (text, text, {})


def test_half_a_character_is_replaced() -> None:
    """In a value and in the name of a property."""
    deal = parse_deal(raw(dealname="half \ud83d", **{"odd \udc00": "x", "whole \ud83d\ude80": "y"}))
    assert (deal.name, deal.unreadable) == ("half \ufffd", {})
    assert (deal.properties["odd \ufffd"], deal.properties["whole \U0001f680"]) == ("x", "y")


@pytest.mark.parametrize("odd", [{"amount\0": "6", "amount": "5"}, {"amount": "5", "amount\0": "6"}])
def test_a_name_with_nul_does_not_hide_the_property_without_it(odd: dict[str, str]) -> None:
    assert parse_deal(raw(**odd)).amount == 5


@pytest.mark.parametrize(
    ("properties", "record", "words"),
    [
        ({"hs_lastmodifieddate": None}, {}, "no modification time (hs_lastmodifieddate, updatedAt)"),
        ({"hs_lastmodifieddate": "soon"}, {}, "property hs_lastmodifieddate: 'soon' is not a date"),
        ({"hs_lastmodifieddate": ["x"]}, {}, """property hs_lastmodifieddate: '["x"]' is not a date"""),
        ({"hs_lastmodifieddate": "0001-01-01"}, {"updatedAt": {}}, "property updatedAt: '{}' is not a date"),
        ({"hs_lastmodifieddate": "x" * 100}, {}, f"property hs_lastmodifieddate: '{'x' * 60}\u2026' is not a date"),
    ],
)
def test_a_deal_without_a_readable_modification_time_is_refused(
    properties: dict[str, Any], record: dict[str, Any], words: str
) -> None:
    """The error names the record, the property and how the value begins."""
    with pytest.raises(RecordError, match="9998708437") as raised:
        parse_deal(raw(**properties) | record)
    assert words in str(raised.value)


def test_the_modification_time_of_the_record_replaces_one_that_cannot_be_read() -> None:
    """Also one that is a number; the time of creation likewise."""
    deal = parse_deal(
        raw(hs_lastmodifieddate="soon", createdate="once") | {"updatedAt": 1793534400000, "createdAt": MODIFIED}
    )
    assert (deal.modified_at, deal.created_at) == (datetime(2026, 11, 1, 12, tzinfo=UTC), parse_instant(MODIFIED))
    assert deal.unreadable == {"hs_lastmodifieddate": "soon", "createdate": "once"}


@pytest.mark.parametrize(
    ("record", "archived", "unreadable"),
    [
        ({"archived": "yes"}, False, {"archived": "yes"}),
        ({"archived": None}, False, {"archived": "null"}),
        ({"archived": 1, "archivedAt": MODIFIED}, True, {"archived": "1"}),
        ({"archived": True, "archivedAt": "soon"}, True, {"archivedAt": "soon"}),
    ],
)
def test_a_record_is_archived_when_it_has_a_time_of_archiving(
    record: dict[str, Any], archived: bool, unreadable: dict[str, str]
) -> None:
    """Where `archived` is neither true nor false; without a readable time, the modification time is the closest."""
    deal = parse_deal(raw() | record)
    assert (deal.archived, deal.archived_at, deal.unreadable) == (
        archived, parse_instant(MODIFIED) if archived else None, unreadable
    )  # fmt: skip


@pytest.mark.parametrize(("properties", "text"), [(None, "null"), ([1], "[1]"), ("x", "x"), (5, "5")])
def test_a_record_whose_properties_are_no_object_has_none(properties: Any, text: str) -> None:
    """It is read: the times of the record itself are enough."""
    deal = parse_deal({"id": "1", "properties": properties, "updatedAt": MODIFIED})
    assert (deal.name, deal.properties, deal.unreadable) == (None, {}, {"properties": text})
