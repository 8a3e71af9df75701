"""What the account is made of: owners, pipelines, validation rules."""

from typing import Any

from starlette.responses import Response

from sandbox.account.object_types import DEALS
from sandbox.account.owners import OWNERS
from sandbox.account.pipelines import PIPELINES, Pipeline
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.endpoints import json_response

MOST_OWNERS = 500
# Rules that this account's admin has set; some seeded deals break them. Shape: HubSpot's property validations guide.
VALIDATION_RULES: dict[str, dict[str, list[dict[str, Any]]]] = {
    DEALS.name: {
        "amount": [{"ruleType": "MIN_NUMBER", "ruleArguments": ["500"]}],
        "dealname": [{"ruleType": "MAX_LENGTH", "ruleArguments": ["200"]}],
        "hs_next_step": [{"ruleType": "MIN_LENGTH", "ruleArguments": ["5"]}],
    }
}


def owners(call: Call) -> Response:
    """`after` is the id that the page begins with."""
    limit = call.integer("limit", 100, low=1, high=MOST_OWNERS)
    after = call.integer("after", 0, low=0, high=10**18 - 1)
    archived, email = call.flag("archived"), call.text("email")
    listed = sorted(
        (owner for owner in OWNERS if owner.archived == archived and email in (None, owner.email)),
        key=lambda owner: owner.id,
    )
    rest = [owner for owner in listed if owner.id >= after]
    body: dict[str, Any] = {"results": [owner.body() for owner in rest[:limit]]}
    if len(rest) > limit:
        body["paging"] = {"next": {"after": str(rest[limit].id)}}
    return json_response(body)


def owner(call: Call) -> Response:
    """By owner id, or by user id with `idProperty=userId`."""
    archived, by_user = call.flag("archived"), call.text("idProperty") == "userId"
    for candidate in OWNERS:
        key = candidate.user_id if by_user else candidate.id
        if str(key) == call.path("id") and candidate.archived == archived:
            return json_response(candidate.body())
    raise errors.not_found()


def pipelines(call: Call) -> Response:
    """Deals have two; the other types none."""
    listed = PIPELINES if call.kind() is DEALS else ()
    return json_response({"results": [pipeline.body(order) for order, pipeline in enumerate(listed)]})


def pipeline(call: Call) -> Response:
    found = _pipeline(call)
    return json_response(found.body(PIPELINES.index(found)))


def stages(call: Call) -> Response:
    return json_response({"results": [stage.body(order) for order, stage in enumerate(_pipeline(call).stages)]})


def validations(call: Call) -> Response:
    rules = VALIDATION_RULES.get(call.kind().name, {})
    listed = [{"propertyName": name, "propertyValidationRules": found} for name, found in rules.items()]
    return json_response({"results": listed})


def validation(call: Call) -> Response:
    kind, name = call.kind(), call.path("name")
    if name not in kind.properties:
        raise errors.not_found()
    return json_response({"results": VALIDATION_RULES.get(kind.name, {}).get(name, [])})


def _pipeline(call: Call) -> Pipeline:
    for candidate in PIPELINES if call.kind() is DEALS else ():
        if candidate.id == call.path("id"):
            return candidate
    raise errors.not_found()
