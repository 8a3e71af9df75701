"""The control plane over the account's data. Not part of HubSpot's API: it requires no token and has no rate limits."""

from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.background_edits import BackgroundEdits
from sandbox.account.object_types import DEALS, TYPES
from sandbox.account.records import Record
from sandbox.account.timestamps import iso
from sandbox.faults.plan import FaultPlan
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.journal import Journal
from sandbox.http.responses import json_response
from sandbox.routes.endpoints import Endpoints
from sandbox.routes.mutations import Mutations

SHOWN_PROPERTIES = ("dealname", "amount", "dealstage", "pipeline")


class AccountControlRoutes:
    """Shows and changes data that HubSpot's API does not expose."""

    def __init__(
        self,
        account: Account,
        mutations: Mutations,
        background_edits: BackgroundEdits,
        endpoints: Endpoints,
        faults: FaultPlan,
        journal: Journal,
    ) -> None:
        self._account = account
        self._mutations = mutations
        self._background_edits = background_edits
        self._endpoints = endpoints
        self._faults = faults
        self._journal = journal

    def health(self, _: Call) -> Response:
        return json_response(
            {"status": "ok", "deals": len(self._account.table(DEALS)), "lively": self._background_edits.on}
        )

    def truth(self, _: Call) -> Response:
        """Every deal that was ever created, by id, including archived, merged and purged ones."""
        deals = self._account.table(DEALS)
        return json_response({str(deal.id): _truth(deal) for deal in (*deals, *deals.gone)})

    def stats(self, _: Call) -> Response:
        records = {object_type.name: len(self._account.table(object_type)) for object_type in TYPES}
        return json_response(
            {
                "calls": self._endpoints.call_counts(),
                "records": records,
                "faults": self._faults.applied_by_kind(),
                **self._journal.stats(),
            }
        )

    def mutate(self, call: Call) -> Response:
        """Responds with the ids of the changed deals."""
        return json_response(self._mutations.run(call.declared_json()))

    def set_background_edits(self, call: Call) -> Response:
        """{"on": true or false}: off while a test compares data, then on again."""
        on = call.declared_json().get("on")
        if not isinstance(on, bool):
            raise errors.invalid_json("on must be true or false")
        self._background_edits.on = on
        return json_response({"on": on})


def _truth(deal: Record) -> dict[str, Any]:
    truth = {
        "lastModified": iso(deal.modified_ms),
        "archived": deal.archived_ms is not None,
        "archivedAt": None if deal.archived_ms is None else iso(deal.archived_ms),
        "mergedInto": None if deal.merged_into is None else str(deal.merged_into),
        **{name: deal.get(name) for name in SHOWN_PROPERTIES},
    }
    return truth | {"purged": True} if deal.purged else truth
