"""Every kind of fault, and the moment at which it strikes. What each does: docs/sandbox.md, "Faults"."""

from enum import Enum


class Kind(Enum):
    """The words of POST /_sim/fault."""

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
    TRUNCATED_JSON = "truncated_json"
    SLOW_DRIP = "slow_drip"
    WRITE_THEN_CUT = "write_then_cut"


# The request is never carried out, and no answer comes.
SILENCE = frozenset({Kind.HANG, Kind.RESET})
# The request is carried out, and another answer is given.
PAGES = frozenset({Kind.DUPLICATE_PAGE, Kind.SHORT_PAGE, Kind.REPEATED_CURSOR, Kind.EMPTY_PAGE, Kind.OUT_OF_ORDER})
BODIES = frozenset({Kind.WRONG_CONTENT_TYPE, Kind.EMPTY_BODY, Kind.CUT_JSON})
# The request is carried out, and the connection breaks under the answer.
WIRE = frozenset({Kind.TRUNCATED_JSON, Kind.SLOW_DRIP, Kind.WRITE_THEN_CUT})
# Those of a request that was carried out; all others strike before.
LATE = PAGES | BODIES | WIRE
EARLY = frozenset(Kind) - LATE
REFUSALS = EARLY - SILENCE
