"""Turns HubSpot's error responses into our errors. Every field of HubSpot's error body is optional."""

import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from core.logs import redact
from crm.errors import (
    AccessDenied,
    BadResponse,
    CrmError,
    DailyLimitReached,
    FirewallRefused,
    Locked,
    MissingScopes,
    RateLimited,
    RecordNotFound,
    RequestRefused,
    ServerError,
    TransientCrmError,
    Unauthorized,
)
from crm.json_body import read_json

# HubSpot's reasons are a sentence or two; a page of HTML or a list of 900 properties is cut off.
LONGEST_REASON = 500
MISSING_SCOPES = "MISSING_SCOPES"
CORRELATION_HEADER = "x-hubspot-correlation-id"
# The keys under which an error's context names scopes: the documented one, and two others that were observed.
SCOPE_KEYS = ("requiredGranularScopes", "requiredScopes", "missingScopes")

# 477: the account is being moved between data centres (HubSpot's error handling page); Retry-After is included.
_TRANSIENT: Mapping[int, type[TransientCrmError]] = {
    408: ServerError,
    423: Locked,
    429: RateLimited,
    477: ServerError,
}
_PERMANENT: Mapping[int, type[CrmError]] = {401: Unauthorized, 404: RecordNotFound}


def error_from(status: int, headers: Mapping[str, str], body: bytes) -> CrmError:
    """The error for a response that is not 2xx; `headers` are looked up in lower case."""
    fields = _fields(body)
    correlation_id = _text(fields.get("correlationId")) or headers.get(CORRELATION_HEADER)
    category = _text(fields.get("policyName")) or _text(fields.get("category"))
    if status == 403:
        return _denied(fields, body, category, correlation_id)
    retry_after = _seconds(headers.get("retry-after"))
    message = f"HubSpot answered {_status(status)}: {_reason(fields, body)}{_advice(status, retry_after)}"
    return _class_of(status, category, message)(
        message, status=status, category=category, correlation_id=correlation_id, retry_after=retry_after
    )


def _class_of(status: int, category: str | None, message: str) -> type[CrmError]:
    if status < 200:
        return BadResponse
    if status == 429 and (category == "DAILY" or "daily limit" in message.lower()):
        return DailyLimitReached
    if status >= 500:
        return ServerError
    return _TRANSIENT.get(status) or _PERMANENT.get(status) or RequestRefused


def _denied(fields: Mapping[str, Any], body: bytes, category: str | None, correlation_id: str | None) -> AccessDenied:
    """Missing scopes, unless HubSpot gives another reason: the account is suspended, or its subscription too small."""
    if _is_html(body):
        message = (
            "HubSpot answered 403: it sent HTML instead of JSON. A firewall or proxy refuses the requests of this "
            "server: check the proxy of this network, or ask HubSpot's support to admit its address."
        )
        return FirewallRefused(message, category=category, correlation_id=correlation_id)
    scopes = tuple(dict.fromkeys(_scopes(fields)))
    if not scopes and category not in {None, MISSING_SCOPES}:
        message = f"HubSpot answered 403: {_reason(fields, b'')} Check the account and its subscription in HubSpot."
        return AccessDenied(message, category=category, correlation_id=correlation_id)
    message = (
        f"HubSpot answered 403: the token lacks {', '.join(scopes)}. "
        "Add it under Development, Keys, Service keys in HubSpot (or in the private app)."
        if scopes
        else f"HubSpot answered 403: {_reason(fields, b'')} Check the scopes of HUBSPOT_TOKEN."
    )
    return MissingScopes(message, scopes=scopes, category=category, correlation_id=correlation_id)


def _scopes(fields: Mapping[str, Any]) -> Iterator[str]:
    listed = fields.get("errors")
    for entry in [fields, *(listed if isinstance(listed, list) else [])]:
        context = entry.get("context") if isinstance(entry, dict) else None
        for key in SCOPE_KEYS:
            found = context.get(key) if isinstance(context, dict) else None
            yield from (scope for scope in found or () if isinstance(scope, str))


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields = read_json(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _advice(status: int, retry_after: float | None) -> str:
    if status == 401:
        return " Check HUBSPOT_TOKEN: it may be mistyped, expired or revoked."
    return f" HubSpot requests a retry after {retry_after:.0f} s." if retry_after else ""


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _reason(fields: Mapping[str, Any], body: bytes) -> str:
    """HubSpot's own message, without anything that looks like a secret."""
    if message := _text(fields.get("message")):
        reason = redact(message.strip())
        reason = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]} …"
        return reason if reason.endswith((".", "…")) else f"{reason}."
    return "it sent HTML instead of JSON." if _is_html(body) else "it gave no reason."


def _is_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _seconds(header: str | None) -> float | None:
    """HubSpot documents seconds; a date or an invalid value counts as missing."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
