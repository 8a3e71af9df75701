"""Faults that replace the response with an error, in HubSpot's words where they are known (sandbox/http/errors.py)."""

from collections.abc import Callable, Mapping

from sandbox.faults.kinds import FaultKind
from sandbox.faults.plan import Fault
from sandbox.http import errors
from sandbox.http.errors import ApiError

# HubSpot documents Retry-After for 477 only: seconds, up to a day.
MOVED_SECONDS = 120

ERRORS: Mapping[FaultKind, Callable[[Fault], ApiError]] = {
    FaultKind.UNAUTHORIZED: lambda _: errors.unauthenticated(),
    FaultKind.MISSING_SCOPE: lambda fault: errors.missing_scopes([fault.scope]),
    FaultKind.NOT_FOUND: lambda _: errors.not_found(),
    FaultKind.URI_TOO_LONG: lambda _: errors.proxy_page(414, "Request-URI Too Large"),
    FaultKind.LOCKED: lambda _: errors.locked(),
    FaultKind.BURST_LIMIT: lambda _: errors.burst_limit(),
    FaultKind.SEARCH_LIMIT: lambda _: errors.search_limit(),
    FaultKind.DAILY_LIMIT: lambda _: errors.daily_limit(),
    FaultKind.MOVED: lambda _: errors.migrating(),
    FaultKind.SERVER_ERROR: lambda _: errors.ApiError(500, "internal error"),
    FaultKind.BAD_GATEWAY_HTML: lambda _: errors.proxy_page(502, "Bad Gateway"),
    FaultKind.UNAVAILABLE: lambda _: errors.ApiError(503, "Service is temporarily unavailable"),
    FaultKind.GATEWAY_TIMEOUT: lambda _: errors.proxy_page(504, "Gateway Time-out"),
    FaultKind.WEB_SERVER_DOWN: lambda _: errors.proxy_page(521, "Web server is down"),
    FaultKind.TIMEOUT_524: lambda _: errors.proxy_page(524, "A timeout occurred"),
    FaultKind.VALIDATION_REFUSED: lambda _: errors.validation_rule_violated(),
}


def retry_headers(fault: Fault) -> dict[str, str]:
    """Retry-After where the test sets one, and always with 477."""
    default = MOVED_SECONDS if fault.kind is FaultKind.MOVED else None
    seconds = default if fault.retry_after is None else fault.retry_after
    return {} if seconds is None else {"Retry-After": str(seconds)}
