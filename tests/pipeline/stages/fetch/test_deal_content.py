"""A snapshot holds everything that `fetch` needs of a deal, redacted."""

from datetime import UTC, datetime
from typing import Any

import orjson

from crm.client import Associated
from crm.history import Version
from crm.records import CrmRecord, parse_deal
from pipeline.stages.fetch.deal_content import MAX_RECORDS, pack, unpack

READ_AT = datetime(2026, 11, 1, tzinfo=UTC)
DEAL = parse_deal({"id": "77", "properties": {"dealname": "Loom", "hs_lastmodifieddate": "2026-11-01"}})
HISTORY = [Version(value="qualifiedtobuy", timestamp="2026-10-01T00:00:00Z")]
NONE = Associated(())


def stored(associated: dict[str, Associated], records: dict[str, dict[str, CrmRecord]], *hidden: str) -> dict[str, Any]:
    """The content as the database returns it."""
    empty = dict.fromkeys(("contacts", "companies", "line_items"), NONE)
    packed = pack(DEAL, HISTORY, {**empty, **associated}, {**{kind: {} for kind in empty}, **records}, hidden)
    content: dict[str, Any] = orjson.loads(orjson.dumps(packed))
    return content


def company(identifier: str) -> CrmRecord:
    return CrmRecord(identifier, {"name": f"Company {identifier}"}, archived=False)


def test_a_deal_is_unpacked_as_it_was_packed() -> None:
    """With its records in HubSpot's order, and the ids of those that HubSpot did not return."""
    associated = {"companies": Associated(("9", "3", "5"))}
    content = unpack(READ_AT, stored(associated, {"companies": {"3": company("3"), "9": company("9")}}))
    assert (content.read_at, content.properties, list(content.stage_history)) == (READ_AT, DEAL.properties, HISTORY)
    assert content.records["companies"].records == [company("9"), company("3")]
    assert content.records["companies"].missing == ["5"]
    assert content.records["contacts"].records == []
    assert content.truncated == []


def test_a_kind_with_more_records_than_are_read_is_truncated() -> None:
    """Also when HubSpot did not return all ids."""
    ids = tuple(str(number) for number in range(1, MAX_RECORDS + 2))
    content = unpack(READ_AT, stored({"contacts": Associated(ids), "companies": Associated((), complete=False)}, {}))
    assert content.truncated == ["contacts", "companies"]
    assert content.records["contacts"].missing == list(ids[:MAX_RECORDS])


def test_hidden_values_are_redacted() -> None:
    contact = CrmRecord("4", {"email": "ada@engines.example"}, archived=False)
    content = stored({"contacts": Associated(("4",))}, {"contacts": {"4": contact}}, "contact.email", "deal.dealname")
    assert content["records"]["contacts"] == [["4", {"email": "[redacted]", "domain": "engines.example"}]]
    assert content["properties"]["dealname"] == "[redacted]"
