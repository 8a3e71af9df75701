"""The responses of route handlers: JSON, and the envelope of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from sandbox.account.timestamps import iso

JSON = "application/json;charset=utf-8"


def json_response(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type=JSON)


def batch_response(
    results: Sequence[Mapping[str, Any]],
    *,
    started_ms: int,
    completed_ms: int,
    status: int = 200,
    errors: Sequence[Mapping[str, Any]] = (),
) -> Response:
    """207 with the entries of the failed inputs when there are `errors`."""
    body = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started_ms),
        "completedAt": iso(completed_ms),
    }
    if errors:
        return json_response(body | {"numErrors": len(errors), "errors": errors}, 207)
    return json_response(body, status)
