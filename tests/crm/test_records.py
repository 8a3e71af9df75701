"""A record is either parsed completely or refused with a reason, whatever it contains."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import RecordError
from crm.properties import PROPERTIES
from crm.records import DealRecord, parse_deal, parse_instant, parse_number, parse_record

MODIFIED = "2026-11-01T12:00:00.123Z"


def raw(**properties: Any) -> dict[str, Any]:
    return {"id": "9998708437", "properties": {"hs_lastmodifieddate": MODIFIED, **properties}, "archived": False}


def test_a_deal_is_parsed_with_its_types() -> None:
    deal = parse_deal(
        raw(
            dealname="Grüße 🚀",
            amount="1200.50",
            deal_currency_code="EUR",
            pipeline="default",
            dealstage="closedwon",
            hubspot_owner_id="7",
            closedate="2026-12-24",
            createdate="1793534400000",
        )
    )
    assert (deal.id, deal.name, deal.amount, deal.currency) == ("9998708437", "Grüße 🚀", Decimal("1200.50"), "EUR")
    assert (deal.pipeline, deal.stage, deal.owner_id, deal.archived) == ("default", "closedwon", "7", False)
    assert deal.close_date == datetime(2026, 12, 24, tzinfo=UTC)
    assert deal.created_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert deal.modified_at == datetime(2026, 11, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def test_an_empty_value_is_none() -> None:
    """HubSpot sends both null and empty text for a missing value."""
    deal = parse_deal(raw(dealname="", amount="", closedate=None))
    assert (deal.name, deal.amount, deal.close_date) == (None, None, None)
    assert deal.properties["dealname"] is None


def test_nul_characters_are_removed() -> None:
    """PostgreSQL cannot store them; a name of only NUL characters is None."""
    deal = parse_deal(raw(dealname="a\0b", hs_next_step="\0"))
    assert (deal.name, deal.properties["hs_next_step"]) == ("ab", None)


def test_the_times_of_the_record_replace_missing_properties() -> None:
    deal = parse_deal({"id": 5, "properties": {}, "updatedAt": MODIFIED, "createdAt": MODIFIED})
    assert (deal.id, deal.modified_at, deal.created_at) == ("5", parse_instant(MODIFIED), parse_instant(MODIFIED))


@pytest.mark.parametrize("identifier", [None, "", "abc", "-1", "0", "007", "1" * 19, "\uff11\uff12", True, 1.5, ["1"]])
def test_a_record_whose_id_is_not_a_number_is_refused(identifier: Any) -> None:
    """The id is the key of all our data about it."""
    with pytest.raises(RecordError, match="no id"):
        parse_record({"id": identifier, "properties": {}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", "0"), ("-12.5", "-12.5"), (" 7 ", "7"), (".5", "0.5"), ("1.0E7", "10000000"), ("+3", "3")],
)
def test_numbers_are_exact(text: str, expected: str) -> None:
    assert parse_number(text) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.90000000000000002220446049250313080847263336181640625", "0.900000"),
        ("-1200.4500000000000454747350886464118957519531250", "-1200.450000"),
        ("0.00000050000000000000000000000000000000", "0.000000"),
        ("0.00000150000000000000000000000000000000", "0.000002"),
        ("1e-999", "0.000000"),
        ("9" * 30 + "." + "9" * 30, "1" + "0" * 30 + ".000000"),
        ("1" * 30 + ".5", "1" * 30 + ".500000"),
    ],
)
def test_a_long_fraction_is_rounded_to_six_places(text: str, expected: str) -> None:
    """HubSpot sends what it has calculated as the exact value of a binary fraction."""
    assert format(parse_number(text), "f") == expected
    assert parse_deal(raw(amount=text)).unreadable == {}


@pytest.mark.parametrize(
    "text", ["2026-11-01T12:00:00Z", "2026-11-01T13:00:00+01:00", "1793534400000", "2026-11-01 12:00", "20261101T12"]
)
def test_the_same_instant_in_every_notation(text: str) -> None:
    parsed = parse_instant(text)
    assert parsed == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert parsed.tzinfo is UTC


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
values = st.none() | st.text() | st.from_regex(r"[+-]?[0-9.eE_-]{1,30}") | st.datetimes().map(str) | anything
records = st.fixed_dictionaries(
    {"id": st.integers(1, 10**20).map(str) | anything},
    optional={
        "properties": st.dictionaries(st.sampled_from(PROPERTIES) | st.text(), values, max_size=8) | anything,
        "archived": st.booleans() | anything,
        "updatedAt": st.datetimes(timezones=st.just(timezone(timedelta(hours=1)))).map(str) | anything,
        "createdAt": values,
    },
)


@given(records)
def test_every_record_is_parsed_or_refused(record: dict[str, Any]) -> None:
    """Refused only for want of an id or a modification time; what is parsed can be stored, and nothing is lost."""
    try:
        deal = parse_deal(record)
    except RecordError as error:
        refused = str(error).encode()
        assert b"no id" in refused or b"no modification time" in refused
    else:
        assert storable(deal)
        given = record["properties"] if isinstance(record.get("properties"), dict) else {}
        assert all(
            deal.properties[name] for name, value in given.items() if value and name in PROPERTIES and value != "\0"
        )


def storable(deal: DealRecord) -> bool:
    texts = [deal.id, *deal.properties, *filter(None, deal.properties.values()), *deal.unreadable.values()]
    times = [deal.close_date, deal.created_at, deal.modified_at]
    return (
        0 < int(deal.id) < 2**63
        and not any("\0" in text for text in texts)
        and all(text.encode() is not None for text in texts)
        and (deal.amount is None or deal.amount.is_finite())
        and all(time is None or (time.utcoffset() == timedelta(0) and 1900 <= time.year < 3000) for time in times)
    )


def test_an_archived_deal_has_the_time_of_archiving() -> None:
    """HubSpot's time; the modification time where HubSpot does not report it; None for a live deal."""
    archived = raw() | {"archived": True}
    assert parse_deal(archived | {"archivedAt": "2026-11-03T08:00:00Z"}).archived_at == datetime(
        2026, 11, 3, 8, tzinfo=UTC
    )
    assert parse_deal(archived).archived_at == parse_instant(MODIFIED)
    assert parse_deal(raw() | {"archivedAt": "2026-11-03T08:00:00Z"}).archived_at is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, ()), ("11;12", ("11", "12")), (" 11 ;;11;x;-3;0;9998708437;\uff11", ("11",)), ("1" * 19, ())],
)
def test_the_ids_of_merged_deals_are_parsed(text: str | None, expected: tuple[str, ...]) -> None:
    """Without duplicates, without the deal itself, and without anything that is not an id."""
    assert parse_deal(raw(hs_merged_object_ids=text)).merged_ids == expected
