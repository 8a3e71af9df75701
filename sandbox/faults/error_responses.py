"""Answers other than 2xx that a fault gives, in HubSpot's words where they are known (sandbox/http/errors.py)."""

import uuid
from collections.abc import Callable, Mapping

from sandbox.faults.kinds import Kind
from sandbox.faults.plan import Fault
from sandbox.http import errors
from sandbox.http.errors import ApiError

# Documented for 477 only: seconds, up to a day.
MOVED_SECONDS = 120

REFUSALS: Mapping[Kind, Callable[[Fault], ApiError]] = {
    Kind.UNAUTHORIZED: lambda _: errors.unauthenticated(),
    Kind.MISSING_SCOPE: lambda fault: errors.missing_scopes([fault.scope]),
    Kind.NOT_FOUND: lambda _: errors.not_found(),
    Kind.URI_TOO_LONG: lambda _: errors.proxy_page(414, "Request-URI Too Large"),
    Kind.LOCKED: lambda _: errors.locked(),
    Kind.BURST_LIMIT: lambda _: errors.burst_limit(uuid.uuid4().hex),
    Kind.SEARCH_LIMIT: lambda _: errors.search_limit(),
    Kind.DAILY_LIMIT: lambda _: errors.daily_limit(uuid.uuid4().hex),
    Kind.MOVED: lambda _: errors.migrating(),
    Kind.SERVER_ERROR: lambda _: errors.ApiError(500, "internal error"),
    Kind.BAD_GATEWAY_HTML: lambda _: errors.proxy_page(502, "Bad Gateway"),
    Kind.UNAVAILABLE: lambda _: errors.ApiError(503, "Service is temporarily unavailable"),
    Kind.GATEWAY_TIMEOUT: lambda _: errors.proxy_page(504, "Gateway Time-out"),
    Kind.WEB_SERVER_DOWN: lambda _: errors.proxy_page(521, "Web server is down"),
    Kind.TIMEOUT_524: lambda _: errors.proxy_page(524, "A timeout occurred"),
    Kind.VALIDATION_REFUSED: lambda _: errors.rule_refused(),
}


def refusal(fault: Fault) -> ApiError:
    return REFUSALS[fault.kind](fault)


def retry_headers(fault: Fault) -> dict[str, str]:
    """Retry-After where the test wants one, and with 477 always."""
    default = MOVED_SECONDS if fault.kind is Kind.MOVED else None
    seconds = default if fault.retry_after is None else fault.retry_after
    return {} if seconds is None else {"Retry-After": str(seconds)}
