"""HubSpot's error responses, word for word where the text is known.

Sources: HubSpot's error handling page and recorded traffic (docs/sandbox.md). The other texts are ours;
docs/sandbox.md lists them.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.errors import DealQueueError

# The account's number, which validation messages contain.
PORTAL_ID = 48_211_907


class ApiError(DealQueueError):
    """A response other than 2xx. `fields` go into the body after `status`, `message` and `correlationId`.

    `page` is the HTML of a proxy in front of HubSpot, which replaces the JSON body.
    """

    def __init__(
        self, status: int, message: str, fields: Mapping[str, Any] | None = None, *, page: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = fields or {}
        self.page = page

    def body(self, correlation_id: str) -> dict[str, Any]:
        return {"status": "error", "message": self.message, "correlationId": correlation_id, **self.fields}


def unauthenticated() -> ApiError:
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return ApiError(401, message, {"category": "INVALID_AUTHENTICATION"})


def missing_scopes(scopes: Sequence[str]) -> ApiError:
    """Recorded in HubSpot/hubspot-api-nodejs #268; the granular form of the context is today's (docs/sandbox.md)."""
    page = "https://developers.hubspot.com/scopes"
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {page}."
    )
    context = {"requiredGranularScopes": list(scopes)}
    errors = [{"message": "One or more of the following scopes are required.", "context": context}]
    return ApiError(403, message, {"errors": errors, "links": {"scopes": page}, "category": "MISSING_SCOPES"})


def not_found() -> ApiError:
    return ApiError(404, "resource not found", {"category": "OBJECT_NOT_FOUND"})


def not_an_id(text: str) -> ApiError:
    """With two spaces, as in HubSpot."""
    message = "Object not found.  objectId are usually numeric."
    return ApiError(404, message, {"context": {"id": [text]}, "category": "OBJECT_NOT_FOUND"})


def unknown_type(name: str) -> ApiError:
    return ApiError(400, f"Unable to infer object type from: {name}")


def invalid(message: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> ApiError:
    fields = {"errors": list(errors)} if errors else {}
    return ApiError(400, message, {**fields, "category": "VALIDATION_ERROR"})


def conflict(message: str) -> ApiError:
    """With the category of an existing contact (stape-io/hubspot-tag #7)."""
    return ApiError(409, message, {"category": "CONFLICT"})


def invalid_json(reason: str) -> ApiError:
    return invalid(f"Invalid input JSON on line 1, column 1: {reason}")


def missing_field(name: str) -> ApiError:
    return invalid_json(f"Some required fields were not set: [{name}]")


def invalid_properties(problems: Sequence[tuple[str, str, str]]) -> ApiError:
    """`problems` are (property, code, message). HubSpot puts them into the message, as JSON, and into `errors`."""
    listed = [
        {
            "isValid": False,
            "message": message,
            "error": code,
            "name": name,
            "localizedErrorMessage": message,
            "portalId": PORTAL_ID,
        }
        for name, code, message in problems
    ]
    errors = [
        {"message": message, "code": code, "context": {"propertyName": [name]}} for name, code, message in problems
    ]
    return invalid(f"Property values were not valid: {orjson.dumps(listed).decode()}", errors=errors)


def burst_limit() -> ApiError:
    return _rate_limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING")


def daily_limit() -> ApiError:
    return _rate_limit("daily", "DAILY")


def _rate_limit(name: str, policy: str) -> ApiError:
    fields = {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": uuid.uuid4().hex}
    return ApiError(429, f"You have reached your {name} limit.", fields)


def search_limit() -> ApiError:
    return ApiError(429, "You have reached your secondly limit.", {"category": "RATE_LIMITS"})


def locked() -> ApiError:
    """HubSpot's error page gives the status and the advice to wait two seconds; the text is ours."""
    return ApiError(423, "The record is locked because many requests are changing it. Wait at least 2 seconds.")


def migrating() -> ApiError:
    """Recorded in PostHog/posthog #64985."""
    return ApiError(477, "Migration in progress and the portal is not available for access.")


def validation_rule_violated() -> ApiError:
    """A write that an administrator's rule refuses, since 2026-09 (HubSpot's changelog, "CRM API write validation")."""
    message = "closed_lost_reason is required when dealstage is closedlost."
    entry = {
        "message": message,
        "code": "CONDITIONAL_REQUIRED_PROPERTY_MISSING",
        "context": {"propertyName": ["closed_lost_reason"]},
    }
    return invalid(message, errors=[entry])


def proxy_page(status: int, title: str) -> ApiError:
    """The HTML of a proxy in front of HubSpot; HubSpot documents the status, the page is ours."""
    heading = f"{status} {title}"
    page = f"<html><head><title>{heading}</title></head><body><center><h1>{heading}</h1></center></body></html>"
    return ApiError(status, title, page=page)
