"""POST /graphql: one operation per request, as the GraphQL over HTTP specification describes it."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.body import BadBody, read_object
from api.graphql.media_type import GRAPHQL_RESPONSE, preferred
from api.responses import GRAPHQL_PATH
from resolvers.context import RequestContext
from resolvers.viewer import Viewer
from schema.execution import DealQueueSchema, GraphQLRequest, GraphQLResponse, execute

ContextFor = Callable[[Viewer, str], RequestContext]


class GraphQLRoute:
    """POST only. GET, uploads, batches and WebSockets are not implemented, so there is nothing to switch off."""

    def __init__(self, schema: DealQueueSchema, context_for: ContextFor) -> None:
        self._schema = schema
        self._context_for = context_for

    async def run(self, request: Request) -> Response:
        try:
            graphql_request = _graphql_request(await read_object(request))
        except BadBody as error:
            return error.response(GRAPHQL_PATH)
        context = self._context_for(request.state.viewer, request.state.request_id)
        result = await execute(self._schema, graphql_request, context)
        return _http_response(result, preferred(request.headers.get("accept", "")))


def _graphql_request(body: dict[str, Any]) -> GraphQLRequest:
    """BadBody names the member that has the wrong type."""
    document = _member(body, "query", str, "a string, and not empty")
    if not document:
        raise BadBody(400, "The body has no `query`: send the GraphQL document there.")
    return GraphQLRequest(
        document=document,
        variables=_member(body, "variables", dict, "an object"),
        operation_name=_member(body, "operationName", str, "a string"),
        extensions=_member(body, "extensions", dict, "an object"),
    )


def _member(body: dict[str, Any], name: str, type_: type, expected: str) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, type_):
        raise BadBody(400, f"`{name}` must be {expected}.")
    return value


def _http_response(result: GraphQLResponse, media_type: str) -> Response:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = result.errors
    is_request_error = media_type == GRAPHQL_RESPONSE and not result.executed
    if is_request_error:
        # The newer media type reports a request error by status 400, the older one by 200 and `"data": null`.
        del body["data"]
    return Response(orjson.dumps(body), 400 if is_request_error else 200, media_type=media_type)
