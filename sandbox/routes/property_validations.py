"""The validation rules of properties: list all of an object type, read those of one property."""

from typing import Any

from starlette.responses import Response

from sandbox.account.object_types import DEALS
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.responses import json_response

# Rules of this account's admin; some of the generated deals break them. Format: HubSpot's property validations guide.
VALIDATION_RULES: dict[str, dict[str, list[dict[str, Any]]]] = {
    DEALS.name: {
        "amount": [{"ruleType": "MIN_NUMBER", "ruleArguments": ["500"]}],
        "dealname": [{"ruleType": "MAX_LENGTH", "ruleArguments": ["200"]}],
        "hs_next_step": [{"ruleType": "MIN_LENGTH", "ruleArguments": ["5"]}],
    }
}


def list_validations(call: Call) -> Response:
    rules = VALIDATION_RULES.get(call.object_type().name, {})
    results = [{"propertyName": name, "propertyValidationRules": found} for name, found in rules.items()]
    return json_response({"results": results})


def read_validation(call: Call) -> Response:
    object_type, name = call.object_type(), call.path("name")
    if name not in object_type.properties:
        raise errors.not_found()
    return json_response({"results": VALIDATION_RULES.get(object_type.name, {}).get(name, [])})
