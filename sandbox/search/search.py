"""One search: its limits, its filters, its one sort, its page.

Limits: developers.hubspot.com, guide "Search the CRM" (docs/sandbox.md).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sandbox.account.account import World
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record, parse_instant
from sandbox.http import errors
from sandbox.http.call import Call, in_range, list_of, objects_of, record_id, texts_of
from sandbox.search.filters import Reader, Test, compile_filter, reader
from sandbox.search.search_index import ALWAYS

MOST_GROUPS, MOST_FILTERS_IN_GROUP, MOST_FILTERS = 5, 6, 18
MOST_RESULTS, DEFAULT_RESULTS = 200, 10
LONGEST_BODY = 3_000
DESCENDING = ("DESCENDING", "DESC")
# Lower bounds that the index can use instead of looking at every record: how far beyond the value they begin, and
# whether they say all that the filter says.
_LOWER_BOUNDS = {"GT": (1, True), "GTE": (0, True), "EQ": (0, False), "BETWEEN": (0, False)}


@dataclass(frozen=True, slots=True)
class Group:
    """Filters that must all hold, and the first id and time that can fulfil them."""

    tests: tuple[Test, ...]
    first_id: int = 0
    modified_since: int = ALWAYS

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Those that pass every test; test by test, because that is three times as fast as record by record."""
        passed = list(records)
        for test in self.tests:
            passed = list(filter(test, passed))
        return passed


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results, how many there are in all, and the offset of the next page."""

    total: int
    records: list[Record]
    after: int | None


def run_search(world: World, kind: ObjectType, call: Call) -> Found:
    if call.size > LONGEST_BODY:
        raise errors.invalid(f"The request body has {call.size} characters; at most {LONGEST_BODY} are allowed.")
    body = call.json()
    limit = in_range("limit", body.get("limit", DEFAULT_RESULTS), 0, MOST_RESULTS)
    last = world.config.offset_cap
    after = in_range("after", body.get("after") or 0, 0, last)
    if after + limit > last:
        raise errors.invalid(f"A search returns at most {last} results; 'after' plus 'limit' goes beyond.")
    matches = _matches(world, kind, _groups(world, kind, body))
    ordered = _sorted(world, kind, matches, list_of("sorts", body.get("sorts")))
    following = after + limit if limit and after + limit < len(matches) else None
    return Found(len(matches), _bodies(world, kind, ordered[after : after + limit]), following)


def _bodies(world: World, kind: ObjectType, copies: list[Record]) -> list[Record]:
    """A record is found by what the index knows of it, and shown as it is in the store (docs/sandbox.md)."""
    if world.config.stale_bodies:
        return copies
    table = world.table(kind)
    return [live for copy in copies if (live := table.get(copy.id)) is not None]


def _groups(world: World, kind: ObjectType, body: Mapping[str, Any]) -> list[Group]:
    """The filter groups; a query in words is one more condition on each. Filters outside any group are a group."""
    groups: list[Mapping[str, Any]] = [*objects_of("filterGroups", body.get("filterGroups"))]
    if "filters" in body:
        groups.append(body)
    list_of("filterGroups", groups, most=MOST_GROUPS)
    given = [objects_of("filters", group.get("filters"), most=MOST_FILTERS_IN_GROUP) for group in groups]
    if sum(len(filters) for filters in given) > MOST_FILTERS:
        raise errors.invalid(f"filterGroups hold more than {MOST_FILTERS} filters.")
    words = _query_tests(kind, body.get("query"))
    return [_group(world, kind, filters, words) for filters in given or [[]]]


def _group(world: World, kind: ObjectType, filters: list[dict[str, Any]], words: tuple[Test, ...]) -> Group:
    """Every filter is checked; those that the index fulfils by itself need no test."""
    compiled = [(given, compile_filter(world, kind, given)) for given in filters]
    ids = _Bounds("hs_object_id", record_id)
    times = _Bounds(kind.modified, lambda value: parse_instant(str(value)))
    tests = tuple(test for given, test in compiled if not (ids.take(given) or times.take(given)))
    return Group((*tests, *words), first_id=max(ids.lowest, 0), modified_since=times.lowest)


class _Bounds:
    """The highest of the lower bounds that filters set for one property."""

    def __init__(self, name: str, parse: Callable[[object], int | None]) -> None:
        self.lowest = ALWAYS
        self._name = name
        self._parse = parse

    def take(self, given: Mapping[str, Any]) -> bool:
        """True when this bound says all that the filter says."""
        step, complete = _LOWER_BOUNDS.get(given["operator"], (0, False))
        bound = self._parse(given.get("value")) if given["propertyName"] == self._name else None
        if bound is None or given["operator"] not in _LOWER_BOUNDS:
            return False
        self.lowest = max(self.lowest, bound + step)
        return complete


def _query_tests(kind: ObjectType, query: object) -> tuple[Test, ...]:
    """Each word must begin a word of one of the type's searched properties."""
    if query is not None and not isinstance(query, str):
        raise errors.invalid_json("query must be a string")
    return tuple(_word_test(kind, word) for word in (query or "").lower().split())


def _word_test(kind: ObjectType, word: str) -> Test:
    def test(record: Record) -> bool:
        texts = (record.get(name) or "" for name in kind.searched)
        return any(part.startswith(word) for text in texts for part in text.lower().split())

    return test


def _matches(world: World, kind: ObjectType, groups: list[Group]) -> list[Record]:
    """Records that fulfil any group, each once."""
    index = world.table(kind).index
    index.settle(world.now_ms())
    passed = [
        group.of(index.candidates(first_id=group.first_id, modified_since=group.modified_since)) for group in groups
    ]
    return passed[0] if len(passed) == 1 else list({record.id: record for found in passed for record in found}.values())


def _sorted(world: World, kind: ObjectType, records: Iterable[Record], sorts: list[Any]) -> list[Record]:
    """One sort at most; by creation without any. Equal values come in an order that means nothing, as in HubSpot."""
    if len(sorts) > 1:
        raise errors.invalid("Only one sort is allowed.")
    if not sorts:
        return sorted(records, key=attrgetter("created_ms", "id"))
    name, descending = _sort_rule(sorts[0])
    read = reader(world, kind, name)
    if name == "hs_object_id":
        return sorted(records, key=attrgetter("id"), reverse=descending)
    return _ordered_by(read, records, descending=descending)


def _ordered_by(read: Reader, records: Iterable[Record], *, descending: bool) -> list[Record]:
    """Records without a value come last, whatever the direction."""
    read_all: list[tuple[Any, int, Record]] = [(read(record), _shuffled(record), record) for record in records]
    valued = [entry for entry in read_all if entry[0] is not None]
    empty = [entry for entry in read_all if entry[0] is None]
    valued.sort(key=lambda entry: entry[:2], reverse=descending)
    empty.sort(key=lambda entry: entry[1])
    return [record for _, _, record in (*valued, *empty)]


def _shuffled(record: Record) -> int:
    """Knuth's multiplicative hash: an order without meaning that stays the same."""
    return record.id * 2_654_435_761 % 2**32


def _sort_rule(rule: Any) -> tuple[str, bool]:
    """`name`, `-name` or {"propertyName": ..., "direction": ...}."""
    if isinstance(rule, str):
        return rule.removeprefix("-"), rule.startswith("-")
    if isinstance(rule, dict) and isinstance(rule.get("propertyName"), str):
        return rule["propertyName"], rule.get("direction") in DESCENDING
    raise errors.invalid_json("sorts must hold property names or objects with a propertyName")


def asked_properties(call: Call) -> list[str]:
    """The properties that a search or a batch read wants to see."""
    return texts_of("properties", call.json().get("properties"))
