"""A record is either read completely or refused with a reason; nothing in between, whatever it holds."""

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


def test_a_deal_is_read_with_its_types() -> None:
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


def test_empty_is_none() -> None:
    """HubSpot writes both null and the empty text for no value."""
    deal = parse_deal(raw(dealname="", amount="", closedate=None))
    assert (deal.name, deal.amount, deal.close_date) == (None, None, None)
    assert deal.properties["dealname"] is None


def test_nul_characters_are_gone() -> None:
    """PostgreSQL stores none; a name of nothing else is no name."""
    deal = parse_deal(raw(dealname="a\0b", hs_next_step="\0"))
    assert (deal.name, deal.properties["hs_next_step"]) == ("ab", None)


def test_the_times_beside_the_properties_are_taken_when_those_lack_them() -> None:
    deal = parse_deal({"id": 5, "properties": {}, "updatedAt": MODIFIED, "createdAt": MODIFIED})
    assert (deal.id, deal.modified_at, deal.created_at) == ("5", parse_instant(MODIFIED), parse_instant(MODIFIED))


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"amount": "NaN"}, "property amount: 'NaN' is not a number"),
        ({"amount": "Infinity"}, "not a number"),
        ({"amount": "1_000"}, "not a number"),
        ({"amount": "\uff11\uff12"}, "not a number"),
        ({"amount": "12,50"}, "not a number"),
        ({"amount": "1e999"}, "more than 30 digits"),
        ({"amount": "1" * 31}, "more than 30 digits"),
        ({"amount": 12}, "property 'amount' is not text but int"),
        ({"closedate": "soon"}, "property closedate: 'soon' is not a date"),
        ({"closedate": "9" * 16}, "not a date"),
        ({"closedate": "0001-01-01T00:00:00+14:00"}, "not a date"),
        ({"dealname": ["x"]}, "not text but list"),
        ({"dealname": "half \ud83d"}, "lone surrogate"),
        ({"hs_lastmodifieddate": None}, "no modification time"),
    ],
)
def test_what_cannot_be_read_is_named(properties: dict[str, Any], words: str) -> None:
    """Which record, which property, what is wrong with it."""
    with pytest.raises(RecordError, match="9998708437") as raised:
        parse_deal(raw(**properties))
    assert words in str(raised.value)


@pytest.mark.parametrize("identifier", [None, "", "abc", "-1", "0", "007", "1" * 19, "\uff11\uff12", True, 1.5, ["1"]])
def test_a_record_without_a_number_for_an_id_is_refused(identifier: Any) -> None:
    """It is the key of everything."""
    with pytest.raises(RecordError, match="no id"):
        parse_record({"id": identifier, "properties": {}})


@pytest.mark.parametrize("record", [{"id": "1"}, {"id": "1", "properties": []}])
def test_a_record_without_properties_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="no properties"):
        parse_record(record)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", "0"), ("-12.5", "-12.5"), (" 7 ", "7"), (".5", "0.5"), ("1.0E7", "10000000"), ("+3", "3")],
)
def test_numbers_are_exact(text: str, expected: str) -> None:
    assert parse_number(text) == Decimal(expected)


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
def test_whatever_is_sent_it_is_read_or_refused(record: dict[str, Any]) -> None:
    """Never another exception, and what is read can be stored: no NUL, no half characters, finite, aware."""
    try:
        deal = parse_deal(record)
    except RecordError as error:
        str(error).encode()
    else:
        assert storable(deal)


def storable(deal: DealRecord) -> bool:
    texts = [deal.id, *deal.properties, *filter(None, deal.properties.values())]
    times = [deal.close_date, deal.created_at, deal.modified_at]
    return (
        0 < int(deal.id) < 2**63
        and not any("\0" in text for text in texts)
        and all(text.encode() is not None for text in texts)
        and (deal.amount is None or deal.amount.is_finite())
        and all(time is None or time.utcoffset() == timedelta(0) for time in times)
    )


def test_an_archived_deal_says_since_when() -> None:
    """HubSpot's own time; the last modification where it does not say; nothing for a live one."""
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
def test_the_deals_that_were_merged_into_one_are_named(text: str | None, expected: tuple[str, ...]) -> None:
    """Each once, without the deal itself and whatever is no id."""
    assert parse_deal(raw(hs_merged_object_ids=text)).merged_ids == expected
