"""Single records and pages of records: list, read, create, update, archive, merge, search; the same for all types."""

import re
from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.merging import merge
from sandbox.account.object_types import DEALS, ObjectType
from sandbox.http import errors
from sandbox.http.call import LARGEST_ID, Call
from sandbox.http.parsing import parse_id
from sandbox.http.responses import json_response
from sandbox.routes.record_serializer import RecordSerializer
from sandbox.routes.write_validation import inline_associations, new_properties, stored_properties
from sandbox.search.lookup import get_record
from sandbox.search.search import run_search

MOST_PER_PAGE, MOST_WITH_HISTORY, DEFAULT_PER_PAGE = 100, 50, 10


class ObjectRoutes:
    def __init__(self, account: Account) -> None:
        self._account = account

    def list_page(self, call: Call) -> Response:
        """`after` is the first id of the page, so pages never overlap (docs/sandbox.md)."""
        object_type = call.object_type()
        most = MOST_WITH_HISTORY if call.query_list("propertiesWithHistory") else MOST_PER_PAGE
        limit = call.query_integer("limit", DEFAULT_PER_PAGE, low=1, high=most)
        after = call.query_integer("after", 0, low=0, high=LARGEST_ID)
        table = self._account.table(object_type)
        records, next_id = table.page(after, limit, archived=call.query_flag("archived"))
        serializer = self._serializer(call, object_type)
        body: dict[str, Any] = {"results": [serializer.serialize(record) for record in records]}
        if next_id is not None:
            body["paging"] = {"next": {"after": str(next_id), "link": _next_page_url(call, next_id)}}
        return json_response(body)

    def read_one(self, call: Call) -> Response:
        object_type, archived = call.object_type(), call.query_flag("archived")
        record = get_record(
            self._account, object_type, call.path("id"), call.query_text("idProperty"), archived=archived
        )
        return json_response(self._serializer(call, object_type).serialize(record))

    def create(self, call: Call) -> Response:
        """With inline `associations`: [{to: {id}, types: [{associationCategory, associationTypeId}]}]."""
        object_type, body = call.object_type(), call.json()
        properties = new_properties(self._account, object_type, body)
        associations = inline_associations(self._account, object_type, body)
        record = self._account.insert(object_type, properties, associations=associations)
        return json_response(RecordSerializer(self._account, object_type, record.properties).serialize(record), 201)

    def update(self, call: Call) -> Response:
        """An empty value clears a property. The response holds the changed properties."""
        object_type = call.object_type()
        record = get_record(self._account, object_type, call.path("id"), call.query_text("idProperty"))
        changes = stored_properties(self._account, object_type, call.json())
        updated = self._account.update(object_type, record, changes)
        return json_response(RecordSerializer(self._account, object_type, changes).serialize(updated))

    def archive(self, call: Call) -> Response:
        """204 also for an archived record."""
        object_type = call.object_type()
        record_id = parse_id(call.path("id"))
        record = None if record_id is None else self._account.table(object_type).survivor(record_id)
        if record is None:
            raise errors.not_found()
        if record.archived_ms is None:
            self._account.archive(object_type, record)
        return Response(status_code=204)

    def merge(self, call: Call) -> Response:
        """{primaryObjectId, objectIdToMerge}; responds with the merged record."""
        object_type, body = call.object_type(), call.json()
        primary, other = (_required_id(body, name) for name in ("primaryObjectId", "objectIdToMerge"))
        if object_type is not DEALS:
            raise errors.invalid(f"The sandbox merges deals only, not {object_type.name}.")
        if primary == other:
            raise errors.invalid("A record cannot be merged with itself.")
        pair = [get_record(self._account, object_type, key) for key in (primary, other)]
        merged = merge(self._account, object_type, *pair)
        return json_response(RecordSerializer(self._account, object_type).serialize(merged))

    def search(self, call: Call) -> Response:
        object_type = call.object_type()
        found = run_search(self._account, object_type, call)
        serializer = RecordSerializer(self._account, object_type, call.json_strings("properties"))
        results = [serializer.serialize(record) for record in found.records]
        body: dict[str, Any] = {"total": found.total, "results": results}
        if found.after is not None:
            body["paging"] = {"next": {"after": str(found.after)}}
        return json_response(body)

    def _serializer(self, call: Call, object_type: ObjectType) -> RecordSerializer:
        return RecordSerializer(
            self._account,
            object_type,
            call.query_list("properties"),
            history=call.query_list("propertiesWithHistory"),
            associations=call.query_list("associations"),
        )


def _required_id(body: dict[str, Any], name: str) -> str:
    if parse_id(body.get(name)) is None:
        raise errors.missing_field(name)
    return str(body[name])


def _next_page_url(call: Call, after: int) -> str:
    """An absolute URL at HubSpot's own address, which a client must not follow with its token."""
    query = re.sub(r"(^|&)after=[^&]*", "", call.request.url.query)
    return f"https://api.hubapi.com{call.request.url.path}?{f'{query}&' if query else ''}after={after}"
