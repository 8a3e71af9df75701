"""Faults that alter the response: its body, or the page of results in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.faults.kinds import FaultKind
from sandbox.faults.plan import Fault
from sandbox.http.call import Call

HTML = "<html><head><title>HubSpot</title></head><body><h1>We'll be right back</h1></body></html>"

Page = dict[str, Any]
# Replaced in the body by the JSON text that a test requests, which no JSON library would write.
ODD_VALUE = "the odd value of a fault"
HUGE_TOTAL = 10**12
# `out_of_order` shuffles the same page into the same order.
SHUFFLE_SEED = 7


@dataclass
class PreviousPages:
    """The last response body of each route, for `duplicate_page`; a part of the state that a snapshot restores."""

    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def replace(self, route: tuple[str, str], body: bytes) -> bytes | None:
        """Store the body of a route and return the one before it."""
        previous, self.bodies[route] = self.bodies.get(route), body
        return previous


def altered(fault: Fault, call: Call, response: Response, previous: bytes | None) -> Response | None:
    """The altered response; None when the fault cannot apply to this response.

    `previous` is the body of the route's previous response.
    """
    kind = fault.kind
    if kind is FaultKind.WRONG_CONTENT_TYPE:
        return Response(HTML, 200, media_type="text/html")
    if kind is FaultKind.EMPTY_BODY:
        return Response(b"", 200, media_type=response.media_type)
    body = bytes(response.body)
    if kind is FaultKind.CUT_JSON:
        return Response(body[: len(body) // 2], response.status_code, media_type=response.media_type)
    if kind is FaultKind.DUPLICATE_PAGE:
        return None if previous is None else Response(previous, response.status_code, media_type=response.media_type)
    page = orjson.loads(body) if body else {}
    if kind is FaultKind.ODD_VALUE:
        changed = _with_odd_value(page, fault)
    else:
        changed = _CHANGES[kind](page, call) if page.get("results") else None
    if changed is None:
        return None
    altered_body = orjson.dumps(changed).replace(orjson.dumps(ODD_VALUE), fault.value.encode())
    return Response(altered_body, response.status_code, media_type=response.media_type)


def _with_odd_value(page: Page, fault: Fault) -> Page | None:
    """Of one record, on a page or by itself; `field` is one of the record, or one of its properties after a dot."""
    for record in page.get("results", [page]):
        if isinstance(record, dict) and "properties" in record and fault.record in {None, record["id"]}:
            table, _, name = fault.field.rpartition(".")
            (record[table] if table else record)[name] = ODD_VALUE
            return page
    return None


def _short(page: Page, call: Call) -> Page | None:
    """Half of the results; the cursor and a keyset both lead to the rest."""
    results = page["results"]
    if len(results) < 2:
        return None
    kept, dropped = results[: len(results) // 2], results[len(results) // 2 :]
    # A search pages by offset, a listing by the first id of the next page.
    after = (int(_cursor(call) or 0) + len(kept)) if "total" in page else dropped[0].get("id")
    return {**page, "results": kept, "paging": {"next": {"after": str(after)}}}


def _repeated_cursor(page: Page, call: Call) -> Page | None:
    if "paging" not in page:
        return None
    return {**page, "paging": {"next": {**page["paging"]["next"], "after": _cursor(call) or "0"}}}


def _empty(page: Page, _: Call) -> Page:
    return {**page, "results": []}


def _out_of_order(page: Page, _: Call) -> Page | None:
    if len(page["results"]) < 2:
        return None
    results = list(page["results"])
    # One generator for all attempts: a new one that returns the original order would return it every time.
    rng = Random(SHUFFLE_SEED + len(results))  # noqa: S311 - the order must repeat
    while results == page["results"]:
        rng.shuffle(results)
    return {**page, "results": results}


def _small_total(page: Page, _: Call) -> Page | None:
    """`total` counts this page only, although there is a next one."""
    if "total" not in page or "paging" not in page:
        return None
    return {**page, "total": len(page["results"])}


def _zero_total(page: Page, _: Call) -> Page | None:
    """No results and a total of 0, although there is a next page."""
    if "total" not in page or "paging" not in page:
        return None
    return {**page, "total": 0, "results": []}


def _huge_total(page: Page, _: Call) -> Page | None:
    """More than an integer of 32 bits can hold."""
    return {**page, "total": HUGE_TOTAL} if "total" in page else None


def _missing_next(page: Page, _: Call) -> Page | None:
    if "paging" not in page:
        return None
    return {name: value for name, value in page.items() if name != "paging"}


def _false_end(page: Page, _: Call) -> Page:
    """As behind the last result: nothing in the response says that there is more."""
    return {name: value for name, value in page.items() if name != "paging"} | (
        {"results": [], "total": 0} if "total" in page else {"results": []}
    )


def _cursor(call: Call) -> str | None:
    """The `after` of the request: in the query of a listing, in the body of a search."""
    after = call.query_text("after") or (call.json().get("after") if call.request.method == "POST" else None)
    return None if after is None else str(after)


_CHANGES: Mapping[FaultKind, Callable[[Page, Call], Page | None]] = {
    FaultKind.SHORT_PAGE: _short,
    FaultKind.REPEATED_CURSOR: _repeated_cursor,
    FaultKind.EMPTY_PAGE: _empty,
    FaultKind.OUT_OF_ORDER: _out_of_order,
    FaultKind.SMALL_TOTAL: _small_total,
    FaultKind.ZERO_TOTAL: _zero_total,
    FaultKind.HUGE_TOTAL: _huge_total,
    FaultKind.MISSING_NEXT: _missing_next,
    FaultKind.FALSE_END: _false_end,
}
