"""Reads raw records: changed deals by search, all deals by list, known ids by batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from crm import paths, responses
from crm.budget.protocol import Policy
from crm.errors import BadResponse
from crm.properties import PROPERTIES
from crm.records import readable_id
from crm.transport import Json, Transport

# HubSpot's largest pages.
SEARCH_LIMIT = 200
LIST_LIMIT = 100
BATCH_SIZE = 100
HISTORY_BATCH_SIZE = 50
# HubSpot answers a search from the epoch itself with 500.
EARLIEST_SEARCH_MS = 1_000


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`total` counts the matches of this page and later ones; `is_full`: it has as many records as were requested.

    `server_time` is HubSpot's clock, whole seconds, UTC.
    """

    records: list[Json]
    total: int
    announces_next: bool
    is_full: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class ListPage:
    """All records from the requested id up to `next_id`, where the next page starts; None on the last page.

    If HubSpot `announces_next`, the record with that id exists. It does not behind a full page that seems to be the
    last one: `next_id` is then the next possible id. `server_time` is HubSpot's clock, whole seconds, UTC.
    """

    records: list[Json]
    next_id: int | None
    announces_next: bool
    server_time: datetime


@dataclass(frozen=True, slots=True)
class RawBatch:
    """`missing` are the ids without a record: archived, merged into another record, or deleted."""

    records: list[Json]
    missing: list[str]


async def search_page(transport: Transport, modified_since: datetime, after_id: int, limit: int) -> SearchPage:
    response = await transport.post(
        paths.search(paths.DEALS), deal_search(modified_since, after_id, limit), policy=Policy.SEARCH
    )
    page = responses.read(responses.SearchResults, response.body)
    is_full = len(page.results) >= limit
    return SearchPage(page.results, page.total, page.following is not None, is_full, _server_time(response.headers))


async def list_page(
    transport: Transport, after_id: int, limit: int, archived: bool, properties: Sequence[str]
) -> ListPage:
    """BadResponse when the page is not the requested one, or its cursor does not advance."""
    query: dict[str, str | int] = {
        "limit": limit,
        "archived": str(archived).lower(),
        "properties": ",".join(properties),
    }
    if after_id:
        query["after"] = after_id
    response = await transport.get(paths.records(paths.DEALS), **query)
    page = responses.read(responses.RecordPage, response.body)
    next_id = _id_after_full_page(page, limit) if page.following is None else _next_id(page.following.after, after_id)
    _check_range(page.results, after_id, next_id)
    return ListPage(page.results, next_id, page.following is not None, _server_time(response.headers))


def _id_after_full_page(page: responses.RecordPage, limit: int) -> int | None:
    """A full page without a next one may be the last one, or its cursor is missing: the next request shows which."""
    if len(page.results) < limit:
        return None
    ids = list(filter(None, map(readable_id, page.results)))
    if not ids:
        raise BadResponse("HubSpot's list of deals announces no next page, and no record of its full page has an id.")
    return max(ids) + 1


def _next_id(cursor: str, after_id: int) -> int:
    # HubSpot documents the cursor as opaque; in all of its examples it is an id.
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadResponse("HubSpot's list of deals continues at a cursor that is not an id.")
    if int(cursor) <= after_id:
        raise BadResponse(
            f"HubSpot's list of deals does not advance: requested from {after_id}, it continues at {cursor}."
        )
    return int(cursor)


def _check_range(records: Iterable[Json], after_id: int, next_id: int | None) -> None:
    """A page from a cache, or for another request, would look like proof that the ids between were deleted."""
    for identifier in filter(None, map(readable_id, records)):
        if identifier < after_id or (next_id is not None and identifier >= next_id):
            raise BadResponse(
                f"HubSpot's list of deals from {after_id} to {next_id or 'its end'} contains deal {identifier}."
            )


async def id_bounds(transport: Transport) -> tuple[int, int] | None:
    first = await _outermost(transport, "ASCENDING")
    last = await _outermost(transport, "DESCENDING")
    return (first, last) if first is not None and last is not None else None


async def _outermost(transport: Transport, direction: Literal["ASCENDING", "DESCENDING"]) -> int | None:
    body = {"sorts": [_by_id(direction)], "properties": ["hs_object_id"], "limit": 1}
    response = await transport.post(paths.search(paths.DEALS), body, policy=Policy.SEARCH)
    page = responses.read(responses.SearchResults, response.body)
    if not page.results:
        return None
    return readable_id(page.results[0])


async def count_modified(transport: Transport, modified_since: datetime) -> int:
    response = await transport.post(
        paths.search(paths.DEALS), deal_search(modified_since, 0, 1, ("hs_object_id",)), policy=Policy.SEARCH
    )
    return responses.read(responses.SearchResults, response.body).total


async def raw_batch(
    transport: Transport,
    object_type: str,
    ids: Iterable[str],
    properties: Sequence[str],
    archived: bool,
    *,
    history: Sequence[str] = (),
) -> RawBatch:
    """One call per hundred ids, or per fifty with `history`; the order and duplicates of ids do not matter."""
    wanted = list(dict.fromkeys(ids))
    records: list[Json] = []
    for chunk in chunks(wanted, HISTORY_BATCH_SIZE if history else BATCH_SIZE):
        body: Json = {"properties": list(properties), "inputs": [{"id": identifier} for identifier in chunk]}
        if history:
            body["propertiesWithHistory"] = list(history)
        response = await transport.post(paths.batch_read(object_type), body, archived=str(archived).lower())
        records += responses.read(responses.Records, response.body).results
    found = {str(record.get("id")) for record in records}
    return RawBatch(records, [identifier for identifier in wanted if identifier not in found])


def deal_search(modified_since: datetime, after_id: int, limit: int, properties: Sequence[str] = PROPERTIES) -> Json:
    """A keyset over the immutable id without an upper bound: a deal that changes during the scan cannot be skipped."""
    since = max(EARLIEST_SEARCH_MS, int(modified_since.timestamp() * 1000))
    return {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(since)},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": str(after_id)},
                ]
            }
        ],
        "sorts": [_by_id("ASCENDING")],
        "properties": list(properties),
        "limit": limit,
    }


def _by_id(direction: Literal["ASCENDING", "DESCENDING"]) -> Json:
    return {"propertyName": "hs_object_id", "direction": direction}


def _server_time(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except ValueError:
        raise BadResponse("HubSpot's response has no readable Date header; the sync needs HubSpot's clock.") from None


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
