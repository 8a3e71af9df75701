"""Associations of one record, page by page, and of up to a thousand records at once."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.associations import BY_ID, Targets
from sandbox.account.object_types import ObjectType
from sandbox.account.records import iso
from sandbox.http import errors
from sandbox.http.call import Call, record_id
from sandbox.http.endpoints import json_response

MOST_PER_PAGE = 500
MOST_BATCH_INPUTS = 1_000
LARGEST_ID = 10**18 - 1


class Associations:
    """Handlers over one world. `toObjectId` is an integer, as in HubSpot's guide."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of_record(self, call: Call) -> Response:
        """Of a record that was merged away: none (HubSpot's announcement of the merging of deals)."""
        kind, target = call.kind(), call.kind("target")
        number = record_id(call.path("id")) or 0
        table = self._world.table(kind)
        record = table.get(number)
        if (record is None or not record.is_live) and not table.was_merged(number):
            raise errors.not_found()
        limit = call.integer("limit", MOST_PER_PAGE, low=1, high=MOST_PER_PAGE)
        after = call.integer("after", 0, low=0, high=LARGEST_ID)
        results, paging = _page(self._world.links.of(kind.name, number, target.name), after, limit)
        return json_response({"results": results, **paging})

    def batch_read(self, call: Call) -> Response:
        """207 when some have none: that is HubSpot's way, and a success (docs/sandbox.md)."""
        kind, target, started = call.kind("source"), call.kind("target"), iso(self._world.now_ms())
        inputs = call.inputs(most=MOST_BATCH_INPUTS)
        results, missing = [], []
        for given in inputs:
            found = self._of_input(kind, target, given)
            if found is None:
                missing.append(_no_associations(kind, target, str(given.get("id"))))
            else:
                results.append(found)
        answer = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": started,
            "completedAt": iso(self._world.now_ms()),
        }
        if not missing:
            return json_response(answer)
        return json_response(answer | {"numErrors": len(missing), "errors": missing}, 207)

    def _of_input(self, kind: ObjectType, target: ObjectType, given: dict[str, Any]) -> dict[str, Any] | None:
        number = record_id(given.get("id"))
        linked = {} if number is None else self._world.links.of(kind.name, number, target.name)
        to, paging = _page(linked, record_id(given.get("after")) or 0, MOST_PER_PAGE)
        return {"from": {"id": str(number)}, "to": to, **paging} if to else None


def _page(linked: Targets, after: int, limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Up to `limit` from the id `after` on, and the `paging` of the answer."""
    ids = sorted(other for other in linked if other >= after)
    shown = [{"toObjectId": other, "associationTypes": _types(linked[other])} for other in ids[:limit]]
    return shown, {"paging": {"next": {"after": str(ids[limit])}}} if len(ids) > limit else {}


def _types(type_ids: Sequence[int]) -> list[dict[str, Any]]:
    return [BY_ID[type_id].body() for type_id in type_ids]


def _no_associations(kind: ObjectType, target: ObjectType, given: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {target.singular} is associated with {kind.singular} {given}.",
        "context": {
            "fromObjectId": [given],
            "fromObjectType": [kind.singular],
            "toObjectType": [target.singular],
        },
    }
