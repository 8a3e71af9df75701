"""Every kind of fault, grouped by when it applies. What each does: docs/sandbox.md, "Faults"."""

from enum import Enum


class FaultKind(Enum):
    """The values of `kind` in POST /_sim/fault."""

    UNAUTHORIZED = "unauthorized"
    MISSING_SCOPE = "missing_scope"
    NOT_FOUND = "not_found"
    URI_TOO_LONG = "uri_too_long"
    LOCKED = "locked"
    BURST_LIMIT = "burst_limit"
    SEARCH_LIMIT = "search_limit"
    DAILY_LIMIT = "daily_limit"
    MOVED = "moved"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY_HTML = "bad_gateway_html"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    WEB_SERVER_DOWN = "web_server_down"
    TIMEOUT_524 = "timeout_524"
    VALIDATION_REFUSED = "validation_refused"
    HANG = "hang"
    RESET = "reset"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    EMPTY_BODY = "empty_body"
    CUT_JSON = "cut_json"
    DUPLICATE_PAGE = "duplicate_page"
    SHORT_PAGE = "short_page"
    REPEATED_CURSOR = "repeated_cursor"
    EMPTY_PAGE = "empty_page"
    OUT_OF_ORDER = "out_of_order"
    ODD_VALUE = "odd_value"
    SMALL_TOTAL = "small_total"
    ZERO_TOTAL = "zero_total"
    HUGE_TOTAL = "huge_total"
    MISSING_NEXT = "missing_next"
    FALSE_END = "false_end"
    TRUNCATED_JSON = "truncated_json"
    SLOW_DRIP = "slow_drip"
    WRITE_THEN_CUT = "write_then_cut"


# The request is not carried out, and no response comes.
WITHOUT_RESPONSE = frozenset({FaultKind.HANG, FaultKind.RESET})
# The request is carried out, and the connection breaks during the response.
BROKEN_CONNECTIONS = frozenset({FaultKind.TRUNCATED_JSON, FaultKind.SLOW_DRIP, FaultKind.WRITE_THEN_CUT})
# The request is carried out; unless the connection breaks, the response is altered.
AFTER_EXECUTION = BROKEN_CONNECTIONS | {
    FaultKind.WRONG_CONTENT_TYPE,
    FaultKind.EMPTY_BODY,
    FaultKind.CUT_JSON,
    FaultKind.DUPLICATE_PAGE,
    FaultKind.SHORT_PAGE,
    FaultKind.REPEATED_CURSOR,
    FaultKind.EMPTY_PAGE,
    FaultKind.OUT_OF_ORDER,
    FaultKind.ODD_VALUE,
    FaultKind.SMALL_TOTAL,
    FaultKind.ZERO_TOTAL,
    FaultKind.HUGE_TOTAL,
    FaultKind.MISSING_NEXT,
    FaultKind.FALSE_END,
}
BEFORE_EXECUTION = frozenset(FaultKind) - AFTER_EXECUTION
