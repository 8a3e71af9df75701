"""Writes of associations: the default one of two records, and many at once."""

from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.associations import AssociationType, unlabelled_type
from sandbox.account.object_types import ObjectType
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.parsing import json_objects, parse_id
from sandbox.http.responses import batch_response
from sandbox.routes.write_validation import requested_association_types

MOST_CREATED, MOST_ARCHIVED = 2_000, 100

# The type of the association, the id of the source record, the id of the target record.
NewAssociation = tuple[AssociationType, int, int]


class AssociationWriteRoutes:
    """No write of an association changes a modification time (docs/sandbox.md)."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def set_default(self, call: Call) -> Response:
        source, target = call.object_type(), call.object_type("target")
        ends = {"from": {"id": call.path("id")}, "to": {"id": call.path("target_id")}}
        return self._add([self._unlabelled(source, target, ends)])

    def create(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: {id}, types: [{associationCategory, associationTypeId}]}], all or none."""
        source, target = call.object_type("source"), call.object_type("target")
        added: list[NewAssociation] = []
        for given in call.inputs(most=MOST_CREATED):
            ends = self._ends(source, target, given)
            added += [(requested, *ends) for requested in requested_association_types(given, source, target)]
        return self._add(added, status=201)

    def create_default(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: {id}}], all or none."""
        source, target = call.object_type("source"), call.object_type("target")
        return self._add([self._unlabelled(source, target, given) for given in call.inputs(most=MOST_CREATED)])

    def archive(self, call: Call) -> Response:
        """inputs: [{from: {id}, to: [{id}]}]; 204, also for records that are not associated."""
        source, target = call.object_type("source"), call.object_type("target")
        for given in call.inputs(most=MOST_ARCHIVED):
            source_id = _required_id(given.get("from"))
            for other in json_objects("to", given.get("to")):
                self._account.associations.remove(source.name, source_id, target.name, _required_id(other))
        return Response(status_code=204)

    def _unlabelled(self, source: ObjectType, target: ObjectType, given: dict[str, Any]) -> NewAssociation:
        association_type = unlabelled_type(source.name, target.name)
        if association_type is None:
            raise errors.invalid(f"There is no association from {source.singular} to {target.singular}.")
        return (association_type, *self._ends(source, target, given))

    def _ends(self, source: ObjectType, target: ObjectType, given: dict[str, Any]) -> tuple[int, int]:
        """The ids of both records, which must be live."""
        ends = _required_id(given.get("from")), _required_id(given.get("to"))
        for object_type, record_id in zip((source, target), ends, strict=True):
            record = self._account.table(object_type).get(record_id)
            if record is None or not record.is_live:
                raise errors.not_found()
        return ends

    def _add(self, added: list[NewAssociation], *, status: int = 200) -> Response:
        for association_type, source_id, target_id in added:
            self._account.associations.add(association_type.id, source_id, target_id)
        now_ms = self._account.now_ms()
        results = [
            {
                "from": {"id": str(source_id)},
                "to": {"id": str(target_id)},
                "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": association_type.id},
            }
            for association_type, source_id, target_id in added
        ]
        return batch_response(results, started_ms=now_ms, completed_ms=now_ms, status=status)


def _required_id(end: object) -> int:
    record_id = parse_id(end.get("id")) if isinstance(end, dict) else None
    if record_id is None:
        raise errors.missing_field("id")
    return record_id
