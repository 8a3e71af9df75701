"""The control plane of tests and demonstrations; not HubSpot's. It asks for no token and counts against no limit."""

from typing import Any

from starlette.responses import Response

from sandbox import errors
from sandbox.activity import Activity
from sandbox.call import Call, in_range
from sandbox.edge import Edge, json_response
from sandbox.lively import Lively
from sandbox.object_types import DEALS, TYPES
from sandbox.records import Record, iso
from sandbox.world import World

MOST_AT_ONCE = 100_000
COMPARED = ("dealname", "amount", "dealstage", "pipeline")


class Control:
    """Handlers that look at, and move, what HubSpot would hide."""

    def __init__(self, world: World, activity: Activity, lively: Lively, edge: Edge) -> None:
        self._world = world
        self._activity = activity
        self._lively = lively
        self._edge = edge

    def health(self, _: Call) -> Response:
        return json_response({"status": "ok", "deals": len(self._world.table(DEALS)), "lively": self._lively.on})

    def truth(self, _: Call) -> Response:
        """Every deal that ever was, archived ones included, by id."""
        return json_response({str(deal.id): _truth(deal) for deal in self._world.table(DEALS)})

    def stats(self, _: Call) -> Response:
        records = {kind.name: len(self._world.table(kind)) for kind in TYPES}
        return json_response({"calls": self._edge.counted(), "records": records})

    def mutate(self, call: Call) -> Response:
        """{"create": n, "edit": n, "archive": n}; answers with the ids of each."""
        wanted = _json(call)
        done = {
            "created": self._activity.create(_count(wanted, "create")),
            "edited": self._activity.edit(_count(wanted, "edit")),
            "archived": self._activity.archive(_count(wanted, "archive")),
        }
        return json_response({what: [str(deal.id) for deal in deals] for what, deals in done.items()})

    def lively(self, call: Call) -> Response:
        """{"on": true or false}: hold still while something is compared, then go on."""
        on = _json(call).get("on")
        if not isinstance(on, bool):
            raise errors.invalid_json("on must be true or false")
        self._lively.on = on
        return json_response({"on": on})


def _json(call: Call) -> dict[str, Any]:
    """The body, which must say that it is JSON: a web page of another site cannot send that unasked."""
    if not call.request.headers.get("content-type", "").startswith("application/json"):
        raise errors.ApiError(415, "The control plane takes application/json only.")
    return call.json()


def _count(wanted: dict[str, Any], name: str) -> int:
    return in_range(name, wanted.get(name, 0), 0, MOST_AT_ONCE)


def _truth(deal: Record) -> dict[str, Any]:
    compared = {name: deal.get(name) for name in COMPARED}
    return {"lastModified": iso(deal.modified_ms), "archived": deal.archived_ms is not None, **compared}
