"""Pages of results that are not what was asked for. Each function returns None for what is no such page."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.faults.kinds import Kind
from sandbox.http.call import Call

HTML = "<html><head><title>HubSpot</title></head><body><h1>We'll be right back</h1></body></html>"

Page = dict[str, Any]
# The order of `out_of_order` is the same for the same page.
SHUFFLE_SEED = 7


def rewritten(kind: Kind, call: Call, response: Response, former: bytes | None) -> Response | None:
    """The answer that the fault makes of it; None when it is no answer that the fault can strike.

    `former` is the answer that the route gave before.
    """
    if kind is Kind.WRONG_CONTENT_TYPE:
        return Response(HTML, 200, media_type="text/html")
    if kind is Kind.EMPTY_BODY:
        return Response(b"", 200, media_type=response.media_type)
    body = bytes(response.body)
    if kind is Kind.CUT_JSON:
        return Response(body[: len(body) // 2], response.status_code, media_type=response.media_type)
    if kind is Kind.DUPLICATE_PAGE:
        return None if former is None else Response(former, response.status_code, media_type=response.media_type)
    page = orjson.loads(body) if body else {}
    changed = _CHANGES[kind](page, call) if page.get("results") else None
    if changed is None:
        return None
    return Response(orjson.dumps(changed), response.status_code, media_type=response.media_type)


def _short(page: Page, call: Call) -> Page | None:
    """Half of it; the rest comes after it, by cursor and by keyset."""
    results = page["results"]
    if len(results) < 2:
        return None
    kept, dropped = results[: len(results) // 2], results[len(results) // 2 :]
    # A search pages by offset, a listing by the id that the next page begins with.
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
    # One generator for all tries: a fresh one that leaves the order as it is would do so for ever.
    disorder = Random(SHUFFLE_SEED + len(results))  # noqa: S311 - a disorder that repeats
    while results == page["results"]:
        disorder.shuffle(results)
    return {**page, "results": results}


def _cursor(call: Call) -> str | None:
    """The `after` that was asked with: in the query of a listing, in the body of a search."""
    after = call.text("after") or (call.json().get("after") if call.request.method == "POST" else None)
    return None if after is None else str(after)


_CHANGES: Mapping[Kind, Callable[[Page, Call], Page | None]] = {
    Kind.SHORT_PAGE: _short,
    Kind.REPEATED_CURSOR: _repeated_cursor,
    Kind.EMPTY_PAGE: _empty,
    Kind.OUT_OF_ORDER: _out_of_order,
}
