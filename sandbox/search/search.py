"""One search request: its limits, its filter groups, its one sort, its page of results.

Limits: developers.hubspot.com, guide "Search the CRM" (docs/sandbox.md).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.account.search_index import BEFORE_ALL_MS
from sandbox.account.timestamps import parse_timestamp
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.parsing import json_list, json_objects, parse_id, parse_integer
from sandbox.search.filters import Predicate, compile_filter, value_reader

MOST_GROUPS, MOST_FILTERS_IN_GROUP, MOST_FILTERS = 5, 6, 18
MOST_RESULTS, DEFAULT_RESULTS = 200, 10
LONGEST_BODY = 3_000
DESCENDING = ("DESCENDING", "DESC")
# Operators that set a lower bound, with which the index need not look at every record: the distance of the bound from
# the value, and whether the bound expresses the whole filter.
_LOWER_BOUNDS = {"GT": (1, True), "GTE": (0, True), "EQ": (0, False), "BETWEEN": (0, False)}


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """Predicates that must all hold, and the lowest id and modification time that can satisfy them."""

    predicates: tuple[Predicate, ...]
    first_id: int = 0
    modified_since: int = BEFORE_ALL_MS

    def matching(self, records: Iterable[Record]) -> list[Record]:
        """Filters predicate by predicate, which is three times as fast as record by record."""
        passed = list(records)
        for predicate in self.predicates:
            passed = list(filter(predicate, passed))
        return passed


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of results, the total number of matches, and the offset of the next page."""

    total: int
    records: list[Record]
    after: int | None


def run_search(account: Account, object_type: ObjectType, call: Call) -> SearchResult:
    if call.size > LONGEST_BODY:
        raise errors.invalid(f"The request body has {call.size} characters; at most {LONGEST_BODY} are allowed.")
    body = call.json()
    limit = parse_integer("limit", body.get("limit", DEFAULT_RESULTS), 0, MOST_RESULTS)
    last = account.config.offset_cap
    after = parse_integer("after", body.get("after") or 0, 0, last)
    if after + limit > last:
        raise errors.invalid(f"A search returns at most {last} results; 'after' plus 'limit' goes beyond.")
    matches = _matches(account, object_type, _filter_groups(account, object_type, body))
    ordered = _sorted(account, object_type, matches, json_list("sorts", body.get("sorts")))
    next_after = after + limit if limit and after + limit < len(matches) else None
    return SearchResult(len(matches), _shown(account, object_type, ordered[after : after + limit]), next_after)


def _shown(account: Account, object_type: ObjectType, copies: list[Record]) -> list[Record]:
    """The index finds a record by its copy; the result shows the current record (docs/sandbox.md)."""
    if account.config.stale_bodies:
        return copies
    table = account.table(object_type)
    return [current for copy in copies if (current := table.get(copy.id)) is not None]


def _filter_groups(account: Account, object_type: ObjectType, body: Mapping[str, Any]) -> list[FilterGroup]:
    """Filters outside of any group are one group; the words of a `query` are further conditions of each group."""
    groups: list[Mapping[str, Any]] = [*json_objects("filterGroups", body.get("filterGroups"))]
    if "filters" in body:
        groups.append(body)
    json_list("filterGroups", groups, most=MOST_GROUPS)
    given = [json_objects("filters", group.get("filters"), most=MOST_FILTERS_IN_GROUP) for group in groups]
    if sum(len(filters) for filters in given) > MOST_FILTERS:
        raise errors.invalid(f"filterGroups hold more than {MOST_FILTERS} filters.")
    query = body.get("query")
    if query is not None and not isinstance(query, str):
        raise errors.invalid_json("query must be a string")
    words = tuple(_word_predicate(object_type, word) for word in (query or "").lower().split())
    return [_filter_group(account, object_type, filters, words) for filters in given or [[]]]


def _filter_group(
    account: Account, object_type: ObjectType, filters: list[dict[str, Any]], words: tuple[Predicate, ...]
) -> FilterGroup:
    """Every filter is validated; one that a bound of the index expresses needs no predicate."""
    compiled = [(given, compile_filter(account, object_type, given)) for given in filters]
    ids = _LowerBound("hs_object_id", parse_id)
    times = _LowerBound(object_type.modified, lambda value: parse_timestamp(str(value)))
    predicates = tuple(predicate for given, predicate in compiled if not (ids.covers(given) or times.covers(given)))
    return FilterGroup((*predicates, *words), first_id=max(ids.highest, 0), modified_since=times.highest)


class _LowerBound:
    """The highest of the lower bounds that filters set for one property."""

    def __init__(self, name: str, parse: Callable[[object], int | None]) -> None:
        self.highest = BEFORE_ALL_MS
        self._name = name
        self._parse = parse

    def covers(self, given: Mapping[str, Any]) -> bool:
        """Take the bound of a filter into account; True when the bound expresses the whole filter."""
        if given["propertyName"] != self._name or given["operator"] not in _LOWER_BOUNDS:
            return False
        bound = self._parse(given.get("value"))
        if bound is None:
            return False
        distance, complete = _LOWER_BOUNDS[given["operator"]]
        self.highest = max(self.highest, bound + distance)
        return complete


def _word_predicate(object_type: ObjectType, word: str) -> Predicate:
    """The word must be the beginning of a word in one of the type's searched properties."""

    def predicate(record: Record) -> bool:
        texts = (record.get(name) or "" for name in object_type.searched)
        return any(part.startswith(word) for text in texts for part in text.lower().split())

    return predicate


def _matches(account: Account, object_type: ObjectType, groups: list[FilterGroup]) -> list[Record]:
    """Records that satisfy at least one group, without duplicates."""
    index = account.table(object_type).index
    index.apply_visible(account.now_ms())
    passed = [
        group.matching(index.candidates(first_id=group.first_id, modified_since=group.modified_since))
        for group in groups
    ]
    return passed[0] if len(passed) == 1 else list({record.id: record for found in passed for record in found}.values())


def _sorted(account: Account, object_type: ObjectType, records: Iterable[Record], sorts: list[Any]) -> list[Record]:
    """By at most one sort, or else by creation. Records with equal values, or without one, come in arbitrary order."""
    if len(sorts) > 1:
        raise errors.invalid("Only one sort is allowed.")
    if not sorts:
        return sorted(records, key=attrgetter("created_ms", "id"))
    name, descending = _sort_rule(sorts[0])
    read = value_reader(account, object_type, name)
    if name == "hs_object_id":
        return sorted(records, key=attrgetter("id"), reverse=descending)
    entries: list[tuple[Any, int, Record]] = [(read(record), _arbitrary_rank(record), record) for record in records]
    # Records without a value come last in both directions.
    valued = sorted(
        (entry for entry in entries if entry[0] is not None), key=lambda entry: entry[:2], reverse=descending
    )
    empty = sorted((entry for entry in entries if entry[0] is None), key=lambda entry: entry[1])
    return [record for _, _, record in (*valued, *empty)]


def _arbitrary_rank(record: Record) -> int:
    """Knuth's multiplicative hash: an arbitrary but stable order, as in HubSpot."""
    return record.id * 2_654_435_761 % 2**32


def _sort_rule(rule: Any) -> tuple[str, bool]:
    """`name`, `-name` or {"propertyName": ..., "direction": ...}."""
    if isinstance(rule, str):
        return rule.removeprefix("-"), rule.startswith("-")
    if isinstance(rule, dict) and isinstance(rule.get("propertyName"), str):
        return rule["propertyName"], rule.get("direction") in DESCENDING
    raise errors.invalid_json("sorts must hold property names or objects with a propertyName")
