"""Up to a hundred records at once: batch read, create, update, upsert and archive, the same for every object type."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.responses import batch_response
from sandbox.routes.record_serializer import RecordSerializer
from sandbox.routes.write_validation import inline_associations, new_properties, stored_properties
from sandbox.search.lookup import find_record

MOST_INPUTS, MOST_WITH_HISTORY = 100, 50


class BatchRoutes:
    """All inputs are validated before anything is written, and all writes of a batch get the same timestamp, as in
    recorded traffic (docs/sandbox.md). Former ids of merged records are unknown here.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def read(self, call: Call) -> Response:
        """Results by ascending id, whatever the order of the inputs; 207 when records are missing."""
        object_type, body, archived = call.object_type(), call.json(), call.query_flag("archived")
        history = call.json_strings("propertiesWithHistory")
        inputs = call.inputs(most=MOST_WITH_HISTORY if history else MOST_INPUTS)
        id_property = body.get("idProperty")
        keys = dict.fromkeys(str(given.get("id")) for given in inputs)
        found = {key: find_record(self._account, object_type, key, id_property, archived=archived) for key in keys}
        properties = call.json_strings("properties")
        serializer = RecordSerializer(self._account, object_type, properties, history=history)
        records = {record.id: record for record in found.values() if record is not None}
        results = [serializer.serialize(records[record_id]) for record_id in sorted(records)]
        return self._answer(object_type, results, [key for key, record in found.items() if record is None])

    def create(self, call: Call) -> Response:
        object_type, inputs = call.object_type(), call.inputs(most=MOST_INPUTS)
        validated = [
            (
                new_properties(self._account, object_type, given),
                inline_associations(self._account, object_type, given),
            )
            for given in inputs
        ]
        with self._account.shared_timestamp():
            records = [
                self._account.insert(object_type, properties, associations=associations)
                for properties, associations in validated
            ]
        return self._answer(object_type, [self._serialize(object_type, record) for record in records], [], status=201)

    def update(self, call: Call) -> Response:
        """207 when records are missing; the others are updated."""
        object_type = call.object_type()
        table = self._account.table(object_type)
        updates = [self._validated(object_type, given) for given in call.inputs(most=MOST_INPUTS)]
        with self._account.shared_timestamp():
            results = [
                # A record that occurs twice is read again, because an earlier input has changed it.
                self._serialize(object_type, self._account.update(object_type, table[record.id], changes))
                for _, record, changes in updates
                if record is not None
            ]
        return self._answer(object_type, results, [key for key, record, _ in updates if record is None])

    def upsert(self, call: Call) -> Response:
        """By a unique property: updates an existing record and creates a missing one. `new` is true for the latter."""
        object_type, inputs = call.object_type(), call.inputs(most=MOST_INPUTS)
        writes = [self._upsert(object_type, given) for given in inputs]
        with self._account.shared_timestamp():
            results = [write() for write in writes]
        return self._answer(object_type, results, [])

    def archive(self, call: Call) -> Response:
        """204, also for records that do not exist."""
        object_type = call.object_type()
        for given in call.inputs(most=MOST_INPUTS):
            record = find_record(self._account, object_type, str(given.get("id")), None)
            if record is not None:
                self._account.archive(object_type, record)
        return Response(status_code=204)

    def _validated(self, object_type: ObjectType, given: dict[str, Any]) -> tuple[str, Record | None, dict[str, str]]:
        key = str(given.get("id"))
        record = find_record(self._account, object_type, key, given.get("idProperty"))
        return key, record, stored_properties(self._account, object_type, given)

    def _upsert(self, object_type: ObjectType, given: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        """The write of one validated input, to be called once all inputs are validated."""
        name = given.get("idProperty")
        if not isinstance(name, str):
            raise errors.missing_field("idProperty")
        key, record, changes = self._validated(object_type, given)
        if record is not None:
            return lambda: (
                self._serialize(object_type, self._account.update(object_type, record, changes)) | {"new": False}
            )
        body = {"properties": {**given.get("properties", {}), name: key}}
        properties = new_properties(self._account, object_type, body)
        return lambda: self._serialize(object_type, self._account.insert(object_type, properties)) | {"new": True}

    def _serialize(self, object_type: ObjectType, record: Record) -> dict[str, Any]:
        return RecordSerializer(self._account, object_type, record.properties).serialize(record)

    def _answer(
        self, object_type: ObjectType, results: list[dict[str, Any]], missing: list[str], *, status: int = 200
    ) -> Response:
        now_ms = self._account.now_ms()
        entries = [_missing_records(object_type, missing)] if missing else []
        return batch_response(results, started_ms=now_ms, completed_ms=now_ms, status=status, errors=entries)


def _missing_records(object_type: ObjectType, keys: list[str]) -> dict[str, Any]:
    """The one error entry for all records that a batch did not find; recorded text."""
    name = object_type.singular.upper()
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {name} objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": keys},
    }
