"""The control plane of tests and demonstrations; not HubSpot's. It asks for no token and counts against no limit."""

from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.background_edits import Lively
from sandbox.account.mutations import Mutations
from sandbox.account.object_types import DEALS, TYPES
from sandbox.account.records import Record, iso
from sandbox.faults.plan import Plan
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.endpoints import Edge, json_response
from sandbox.http.journal import Journal

COMPARED = ("dealname", "amount", "dealstage", "pipeline")


class Control:
    """Handlers that look at, and move, what HubSpot would hide."""

    def __init__(
        self, world: World, mutations: Mutations, lively: Lively, edge: Edge, plan: Plan, journal: Journal
    ) -> None:
        self._world = world
        self._mutations = mutations
        self._lively = lively
        self._edge = edge
        self._plan = plan
        self._journal = journal

    def health(self, _: Call) -> Response:
        return json_response({"status": "ok", "deals": len(self._world.table(DEALS)), "lively": self._lively.on})

    def truth(self, _: Call) -> Response:
        """Every deal that ever was, by id: archived, merged and purged ones included."""
        deals = self._world.table(DEALS)
        return json_response({str(deal.id): _truth(deal) for deal in (*deals, *deals.gone)})

    def stats(self, _: Call) -> Response:
        records = {kind.name: len(self._world.table(kind)) for kind in TYPES}
        return json_response(
            {
                "calls": self._edge.counted(),
                "records": records,
                "faults": self._plan.applied(),
                **self._journal.stats(),
            }
        )

    def mutate(self, call: Call) -> Response:
        """Answers with the ids of what was done."""
        return json_response(self._mutations.run(checked_json(call)))

    def lively(self, call: Call) -> Response:
        """{"on": true or false}: hold still while something is compared, then go on."""
        on = checked_json(call).get("on")
        if not isinstance(on, bool):
            raise errors.invalid_json("on must be true or false")
        self._lively.on = on
        return json_response({"on": on})


def checked_json(call: Call) -> dict[str, Any]:
    """The body, which must say that it is JSON: a web page of another site cannot send that unasked."""
    if not call.request.headers.get("content-type", "").startswith("application/json"):
        raise errors.ApiError(415, "The control plane takes application/json only.")
    return call.json()


def _truth(deal: Record) -> dict[str, Any]:
    truth = {
        "lastModified": iso(deal.modified_ms),
        "archived": deal.archived_ms is not None,
        "archivedAt": None if deal.archived_ms is None else iso(deal.archived_ms),
        "mergedInto": None if deal.merged_into is None else str(deal.merged_into),
        **{name: deal.get(name) for name in COMPARED},
    }
    return truth | {"purged": True} if deal.purged else truth
