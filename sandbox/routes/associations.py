"""Reads of associations: those of one record, page by page, and those of up to a thousand records at once."""

from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.associations import ASSOCIATION_TYPES_BY_ID, Associated
from sandbox.account.object_types import ObjectType
from sandbox.http import errors
from sandbox.http.call import LARGEST_ID, Call
from sandbox.http.parsing import parse_id
from sandbox.http.responses import batch_response, json_response

MOST_PER_PAGE = 500
MOST_BATCH_INPUTS = 1_000


class AssociationReadRoutes:
    """`toObjectId` is an integer, as in HubSpot's guide."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def of_record(self, call: Call) -> Response:
        """A record that was merged into another one has none (HubSpot's announcement of the merging of deals)."""
        object_type, target = call.object_type(), call.object_type("target")
        record_id = parse_id(call.path("id")) or 0
        table = self._account.table(object_type)
        record = table.get(record_id)
        if (record is None or not record.is_live) and not table.was_merged(record_id):
            raise errors.not_found()
        limit = call.query_integer("limit", MOST_PER_PAGE, low=1, high=MOST_PER_PAGE)
        after = call.query_integer("after", 0, low=0, high=LARGEST_ID)
        associated = self._account.associations.of(object_type.name, record_id, target.name)
        results, paging = _page(associated, after, limit)
        return json_response({"results": results, **paging})

    def batch_read(self, call: Call) -> Response:
        """207 when a record has no associations: HubSpot's form of a success (docs/sandbox.md)."""
        object_type, target, started_ms = call.object_type("source"), call.object_type("target"), self._account.now_ms()
        results, missing = [], []
        for given in call.inputs(most=MOST_BATCH_INPUTS):
            found = self._of_input(object_type, target, given)
            if found is None:
                missing.append(_no_associations(object_type, target, str(given.get("id"))))
            else:
                results.append(found)
        return batch_response(results, started_ms=started_ms, completed_ms=self._account.now_ms(), errors=missing)

    def _of_input(self, object_type: ObjectType, target: ObjectType, given: dict[str, Any]) -> dict[str, Any] | None:
        record_id = parse_id(given.get("id"))
        if record_id is None:
            return None
        associated = self._account.associations.of(object_type.name, record_id, target.name)
        to, paging = _page(associated, parse_id(given.get("after")) or 0, MOST_PER_PAGE)
        return {"from": {"id": str(record_id)}, "to": to, **paging} if to else None


def _page(associated: Associated, after: int, limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Up to `limit` associated records, starting at the id `after`, and the `paging` of the response."""
    ids = sorted(other for other in associated if other >= after)
    results = [
        {
            "toObjectId": other,
            "associationTypes": [ASSOCIATION_TYPES_BY_ID[type_id].body() for type_id in associated[other]],
        }
        for other in ids[:limit]
    ]
    return results, {"paging": {"next": {"after": str(ids[limit])}}} if len(ids) > limit else {}


def _no_associations(object_type: ObjectType, target: ObjectType, record_id: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {target.singular} is associated with {object_type.singular} {record_id}.",
        "context": {
            "fromObjectId": [record_id],
            "fromObjectType": [object_type.singular],
            "toObjectType": [target.singular],
        },
    }
