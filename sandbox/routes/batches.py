"""Records by the hundred: batch read, create, update, upsert and archive, the same for every object type."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.associations import LinkType
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record, iso
from sandbox.http import errors
from sandbox.http.call import Call, texts_of
from sandbox.http.endpoints import json_response
from sandbox.routes.record_serializer import Projection
from sandbox.routes.write_validation import inline_links, new_properties, stored_properties
from sandbox.search.lookup import lookup, missing
from sandbox.search.search import asked_properties

MOST_INPUTS, MOST_WITH_HISTORY = 100, 50


class Batches:
    """Handlers over one world.

    All inputs are checked before anything is written, and all that one batch writes carries one time stamp, as in
    recorded traffic (docs/sandbox.md). Former ids of merged records are unknown here.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, call: Call) -> Response:
        """Results by ascending id, whatever the order of the inputs; 207 when some are missing."""
        kind, body, archived = call.kind(), call.json(), call.flag("archived")
        history = texts_of("propertiesWithHistory", body.get("propertiesWithHistory"))
        inputs = call.inputs(most=MOST_WITH_HISTORY if history else MOST_INPUTS)
        id_property = body.get("idProperty")
        keys = dict.fromkeys(str(given.get("id")) for given in inputs)
        found = {key: lookup(self._world, kind, key, id_property, archived=archived) for key in keys}
        projection = Projection(self._world, kind, asked_properties(call), history=history)
        records = {record.id: record for record in found.values() if record is not None}
        results = projection.show_all(records[number] for number in sorted(records))
        return self._answer(kind, results, [key for key, record in found.items() if record is None])

    def create(self, call: Call) -> Response:
        kind, inputs = call.kind(), call.inputs(most=MOST_INPUTS)
        checked = [
            (new_properties(self._world, kind, given), inline_links(self._world, kind, given)) for given in inputs
        ]
        with self._world.one_moment():
            records = [self._insert(kind, *one) for one in checked]
        return self._answer(kind, [self._shown(kind, record) for record in records], [], status=201)

    def update(self, call: Call) -> Response:
        """207 when some are missing; the others are written."""
        kind = call.kind()
        targets = [self._target(kind, given) for given in call.inputs(most=MOST_INPUTS)]
        with self._world.one_moment():
            results = [
                self._shown(kind, self._world.update(kind, self._present(kind, record), changes))
                for _, record, changes in targets
                if record is not None
            ]
        return self._answer(kind, results, [key for key, record, _ in targets if record is None])

    def upsert(self, call: Call) -> Response:
        """By a unique property: what is there is changed, what is not is created. `new` tells which."""
        kind, inputs = call.kind(), call.inputs(most=MOST_INPUTS)
        writes = [self._upserting(kind, given) for given in inputs]
        with self._world.one_moment():
            results = [write() for write in writes]
        return self._answer(kind, results, [])

    def archive(self, call: Call) -> Response:
        """204, also for what is not there."""
        kind = call.kind()
        for given in call.inputs(most=MOST_INPUTS):
            record = lookup(self._world, kind, str(given.get("id")), None)
            if record is not None:
                self._world.archive(kind, record)
        return Response(status_code=204)

    def _target(self, kind: ObjectType, given: dict[str, Any]) -> tuple[str, Record | None, dict[str, str]]:
        key = str(given.get("id"))
        record = lookup(self._world, kind, key, given.get("idProperty"))
        return key, record, stored_properties(self._world, kind, given)

    def _upserting(self, kind: ObjectType, given: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        name = given.get("idProperty")
        if not isinstance(name, str):
            raise errors.invalid_json("Some required fields were not set: [idProperty]")
        key, record, changes = self._target(kind, given)
        if record is not None:
            return lambda: self._shown(kind, self._world.update(kind, record, changes)) | {"new": False}
        properties = new_properties(self._world, kind, {"properties": {**given.get("properties", {}), name: key}})
        return lambda: self._shown(kind, self._insert(kind, properties, [])) | {"new": True}

    def _insert(self, kind: ObjectType, properties: dict[str, str], links: list[tuple[LinkType, int]]) -> Record:
        record = self._world.insert(kind, properties)
        for link, target_id in links:
            self._world.links.add(link.id, record.id, target_id)
        return record

    def _present(self, kind: ObjectType, record: Record) -> Record:
        """As an earlier input of the same batch has left it."""
        return self._world.table(kind).get(record.id) or record

    def _shown(self, kind: ObjectType, record: Record) -> dict[str, Any]:
        return Projection(self._world, kind, record.properties).show(record)

    def _answer(
        self, kind: ObjectType, results: list[dict[str, Any]], lost: list[str], *, status: int = 200
    ) -> Response:
        now = iso(self._world.now_ms())
        answer = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        if not lost:
            return json_response(answer, status)
        return json_response(answer | {"numErrors": 1, "errors": [missing(kind, lost)]}, 207)
