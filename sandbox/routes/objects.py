"""Records: list, read, create, change, archive, search and batch read, the same for every object type."""

import re
from typing import Any

from starlette.responses import Response

from sandbox import errors
from sandbox.call import Call, record_id, texts_of
from sandbox.edge import json_response
from sandbox.object_types import ObjectType
from sandbox.projection import Projection
from sandbox.records import Record, iso
from sandbox.search import asked_properties, run_search
from sandbox.world import World
from sandbox.writes import inline_links, new_properties, stored_properties

MOST_PER_PAGE, MOST_WITH_HISTORY, DEFAULT_PER_PAGE = 100, 50, 10
MOST_BATCH_INPUTS = 100
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
        record = self._find(kind, call.path("id"), call.text("idProperty"), archived=call.flag("archived"))
        return json_response(self._projection(call, kind).show(record))

    def create(self, call: Call) -> Response:
        """With inline `associations`: [{to: {id}, types: [{associationCategory, associationTypeId}]}]."""
        kind, body = call.kind(), call.json()
        properties = new_properties(kind, body)
        links = inline_links(self._world, kind, body)
        record = self._world.insert(kind, properties)
        for link, target_id in links:
            self._world.links.add(link.id, record.id, target_id)
        return json_response(Projection(self._world, kind, record.properties).show(record), 201)

    def change(self, call: Call) -> Response:
        """An empty value clears. The answer shows what was changed."""
        kind = call.kind()
        record = self._find(kind, call.path("id"), call.text("idProperty"))
        changes = stored_properties(kind, call.json())
        changed = self._world.update(kind, record, changes)
        return json_response(Projection(self._world, kind, changes).show(changed))

    def archive(self, call: Call) -> Response:
        """204 too for what is in the recycle bin already."""
        kind = call.kind()
        number = record_id(call.path("id"))
        record = None if number is None else self._world.table(kind).get(number)
        if record is None:
            raise errors.not_found()
        if record.archived_ms is None:
            self._world.archive(kind, record)
        return Response(status_code=204)

    def search(self, call: Call) -> Response:
        kind = call.kind()
        found = run_search(self._world, kind, call)
        projection = Projection(self._world, kind, asked_properties(call))
        body: dict[str, Any] = {"total": found.total, "results": projection.show_all(found.records)}
        if found.after is not None:
            body["paging"] = {"next": {"after": str(found.after)}}
        return json_response(body)

    def batch_read(self, call: Call) -> Response:
        """Results by ascending id, whatever the order of the inputs; 207 when some are missing."""
        kind, body, started = call.kind(), call.json(), iso(self._world.now_ms())
        inputs = call.inputs(most=MOST_BATCH_INPUTS)
        id_property = body.get("idProperty")
        archived = call.flag("archived")
        keys = dict.fromkeys(str(given.get("id")) for given in inputs)
        found = {key: self._lookup(kind, key, id_property, archived=archived) for key in keys}
        history = texts_of("propertiesWithHistory", body.get("propertiesWithHistory"))
        projection = Projection(self._world, kind, asked_properties(call), history=history)
        records = {record.id: record for record in found.values() if record is not None}
        answer = {
            "status": "COMPLETE",
            "results": projection.show_all(records[number] for number in sorted(records)),
            "startedAt": started,
            "completedAt": iso(self._world.now_ms()),
        }
        missing = [key for key, record in found.items() if record is None]
        if not missing:
            return json_response(answer)
        return json_response(answer | {"numErrors": 1, "errors": [_missing(kind, missing)]}, 207)

    def _projection(self, call: Call, kind: ObjectType) -> Projection:
        return Projection(
            self._world,
            kind,
            call.names("properties"),
            history=call.names("propertiesWithHistory"),
            associations=call.names("associations"),
        )

    def _find(self, kind: ObjectType, key: str, id_property: str | None, *, archived: bool = False) -> Record:
        if id_property in (None, "hs_object_id") and record_id(key) is None:
            raise errors.not_an_id(key)
        record = self._lookup(kind, key, id_property, archived=archived)
        if record is None:
            raise errors.not_found()
        return record

    def _lookup(self, kind: ObjectType, key: str, id_property: object, *, archived: bool) -> Record | None:
        """By id, or by a property whose values are unique; 400 for any other property."""
        table = self._world.table(kind)
        if id_property in (None, "", "hs_object_id"):
            number = record_id(key)
            record = None if number is None else table.get(number)
        else:
            name = str(id_property)
            if name not in kind.properties or not kind.properties[name].unique:
                raise errors.invalid(f"Property {name[:200]} cannot identify a {kind.singular}: it is not unique.")
            record = next((other for other in table if (other.get(name) or "").lower() == key.lower()), None)
        return record if record and (record.archived_ms is not None) == archived else None


def _missing(kind: ObjectType, keys: list[str]) -> dict[str, Any]:
    name = kind.singular.upper()
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {name} objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": keys},
    }


def _link(call: Call, after: int) -> str:
    """An absolute URL at HubSpot's own address, which nobody may follow with a token."""
    query = re.sub(r"(^|&)after=[^&]*", "", call.request.url.query)
    return f"https://api.hubapi.com{call.request.url.path}?{f'{query}&' if query else ''}after={after}"
