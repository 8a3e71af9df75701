"""Writing associations: the plain one of two records, and many at once."""

from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.associations import BY_ID, LinkType, plain_link
from sandbox.account.object_types import ObjectType
from sandbox.account.records import iso
from sandbox.http import errors
from sandbox.http.call import Call, objects_of, record_id
from sandbox.http.endpoints import json_response

MOST_CREATED, MOST_ARCHIVED = 2_000, 100

# Type of association, id of the one record, id of the other one.
Wanted = tuple[LinkType, int, int]


class AssociationWrites:
    """Handlers over one world. No write of an association moves a time of modification (docs/sandbox.md)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set_default(self, call: Call) -> Response:
        kind, target = call.kind(), call.kind("target")
        ends = {"from": {"id": call.path("id")}, "to": {"id": call.path("target_id")}}
        return self._write([self._plain(kind, target, ends)])

    def create(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: {id}, types: [{associationCategory, associationTypeId}]}], all or none."""
        kind, target = call.kind("source"), call.kind("target")
        inputs = call.inputs(most=MOST_CREATED)
        return self._write([link for given in inputs for link in self._labelled(kind, target, given)], status=201)

    def create_default(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: {id}}], all or none."""
        kind, target = call.kind("source"), call.kind("target")
        return self._write([self._plain(kind, target, given) for given in call.inputs(most=MOST_CREATED)])

    def archive(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: [{id}]}]; 204, also for what was not associated."""
        kind, target = call.kind("source"), call.kind("target")
        for given in call.inputs(most=MOST_ARCHIVED):
            source_id = _number(given.get("from"))
            for other in objects_of("to", given.get("to")):
                self._world.links.remove(kind.name, source_id, target.name, _number(other))
        return Response(status_code=204)

    def _plain(self, kind: ObjectType, target: ObjectType, given: dict[str, Any]) -> Wanted:
        link = plain_link(kind.name, target.name)
        if link is None:
            raise errors.invalid(f"There is no association from {kind.singular} to {target.singular}.")
        return (link, *self._ends(kind, target, given))

    def _labelled(self, kind: ObjectType, target: ObjectType, given: dict[str, Any]) -> list[Wanted]:
        ends = self._ends(kind, target, given)
        types = objects_of("types", given.get("types"))
        links = [BY_ID.get(record_id(entry.get("associationTypeId")) or 0) for entry in types]
        fitting = [link for link in links if link and (link.source, link.target) == (kind.name, target.name)]
        if not fitting or len(fitting) < len(types):
            raise errors.invalid("One or more associations are invalid")
        return [(link, *ends) for link in fitting]

    def _ends(self, kind: ObjectType, target: ObjectType, given: dict[str, Any]) -> tuple[int, int]:
        """The ids of both records, which must be live."""
        ends = _number(given.get("from")), _number(given.get("to"))
        for end, number in zip((kind, target), ends, strict=True):
            record = self._world.table(end).get(number)
            if record is None or not record.is_live:
                raise errors.not_found()
        return ends

    def _write(self, wanted: list[Wanted], *, status: int = 200) -> Response:
        for link, source_id, target_id in wanted:
            self._world.links.add(link.id, source_id, target_id)
        now = iso(self._world.now_ms())
        results = [_shown(*one) for one in wanted]
        answer = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        return json_response(answer, status)


def _number(end: object) -> int:
    number = record_id(end.get("id")) if isinstance(end, dict) else None
    if number is None:
        raise errors.invalid_json("Some required fields were not set: [id]")
    return number


def _shown(link: LinkType, source_id: int, target_id: int) -> dict[str, Any]:
    return {
        "from": {"id": str(source_id)},
        "to": {"id": str(target_id)},
        "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link.id},
    }
