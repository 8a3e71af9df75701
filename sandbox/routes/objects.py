"""Records one by one and page by page: list, read, create, change, archive, merge, search; the same for all types."""

import re
from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.merging import merge
from sandbox.account.object_types import DEALS, ObjectType
from sandbox.http import errors
from sandbox.http.call import Call, record_id
from sandbox.http.endpoints import json_response
from sandbox.routes.record_serializer import Projection
from sandbox.routes.write_validation import inline_links, new_properties, stored_properties
from sandbox.search.lookup import find
from sandbox.search.search import asked_properties, run_search

MOST_PER_PAGE, MOST_WITH_HISTORY, DEFAULT_PER_PAGE = 100, 50, 10
LARGEST_ID = 10**18 - 1


class Objects:
    """Handlers over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_page(self, call: Call) -> Response:
        """`after` is the id that the page begins with, so that pages never overlap (docs/sandbox.md)."""
        kind = call.kind()
        most = MOST_WITH_HISTORY if call.names("propertiesWithHistory") else MOST_PER_PAGE
        limit = call.integer("limit", DEFAULT_PER_PAGE, low=1, high=most)
        after = call.integer("after", 0, low=0, high=LARGEST_ID)
        records, following = self._world.table(kind).page(after, limit, archived=call.flag("archived"))
        body: dict[str, Any] = {"results": self._projection(call, kind).show_all(records)}
        if following is not None:
            body["paging"] = {"next": {"after": str(following), "link": _link(call, following)}}
        return json_response(body)

    def read_one(self, call: Call) -> Response:
        kind = call.kind()
        record = find(self._world, kind, call.path("id"), call.text("idProperty"), archived=call.flag("archived"))
        return json_response(self._projection(call, kind).show(record))

    def create(self, call: Call) -> Response:
        """With inline `associations`: [{to: {id}, types: [{associationCategory, associationTypeId}]}]."""
        kind, body = call.kind(), call.json()
        properties = new_properties(self._world, kind, body)
        links = inline_links(self._world, kind, body)
        record = self._world.insert(kind, properties)
        for link, target_id in links:
            self._world.links.add(link.id, record.id, target_id)
        return json_response(Projection(self._world, kind, record.properties).show(record), 201)

    def change(self, call: Call) -> Response:
        """An empty value clears. The answer shows what was changed."""
        kind = call.kind()
        record = find(self._world, kind, call.path("id"), call.text("idProperty"))
        changes = stored_properties(self._world, kind, call.json())
        changed = self._world.update(kind, record, changes)
        return json_response(Projection(self._world, kind, changes).show(changed))

    def archive(self, call: Call) -> Response:
        """204 too for what is in the recycle bin already."""
        kind = call.kind()
        number = record_id(call.path("id"))
        record = None if number is None else self._world.table(kind).survivor(number)
        if record is None:
            raise errors.not_found()
        if record.archived_ms is None:
            self._world.archive(kind, record)
        return Response(status_code=204)

    def merge(self, call: Call) -> Response:
        """{primaryObjectId, objectIdToMerge}; answers with the record that both have become."""
        kind, body = call.kind(), call.json()
        primary, other = (_id_in(body, name) for name in ("primaryObjectId", "objectIdToMerge"))
        if kind is not DEALS:
            raise errors.invalid(f"The sandbox merges deals only, not {kind.name}.")
        if primary == other:
            raise errors.invalid("A record cannot be merged with itself.")
        pair = [find(self._world, kind, key) for key in (primary, other)]
        merged = merge(self._world, kind, *pair)
        return json_response(Projection(self._world, kind).show(merged))

    def search(self, call: Call) -> Response:
        kind = call.kind()
        found = run_search(self._world, kind, call)
        projection = Projection(self._world, kind, asked_properties(call))
        body: dict[str, Any] = {"total": found.total, "results": projection.show_all(found.records)}
        if found.after is not None:
            body["paging"] = {"next": {"after": str(found.after)}}
        return json_response(body)

    def _projection(self, call: Call, kind: ObjectType) -> Projection:
        return Projection(
            self._world,
            kind,
            call.names("properties"),
            history=call.names("propertiesWithHistory"),
            associations=call.names("associations"),
        )


def _id_in(body: dict[str, Any], name: str) -> str:
    if record_id(body.get(name)) is None:
        raise errors.invalid_json(f"Some required fields were not set: [{name}]")
    return str(body[name])


def _link(call: Call, after: int) -> str:
    """An absolute URL at HubSpot's own address, which nobody may follow with a token."""
    query = re.sub(r"(^|&)after=[^&]*", "", call.request.url.query)
    return f"https://api.hubapi.com{call.request.url.path}?{f'{query}&' if query else ''}after={after}"
