"""JSON responses, and the one form of an error at /graphql and elsewhere."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

GRAPHQL_PATH = "/graphql"


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def error_response(
    path: str,
    status: int,
    code: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
) -> JsonResponse:
    """An error in the form that callers of `path` expect: GraphQL's `errors` at /graphql, one `error` elsewhere."""
    more = {} if request_id is None else {"requestId": request_id}
    body: dict[str, Any] = {"error": {"code": code, "message": message, **more}}
    if path == GRAPHQL_PATH or path.startswith(f"{GRAPHQL_PATH}/"):
        body = {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
    return JsonResponse(body, status_code=status, headers=headers)
