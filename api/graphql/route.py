"""POST /graphql: one operation a request, as GraphQL over HTTP describes it."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.graphql.body import BadBody, read_object
from api.graphql.media_type import GRAPHQL_RESPONSE, preferred
from api.responses import GRAPHQL_PATH
from resolvers.context import Context
from resolvers.viewer import Viewer
from schema.execution import Answer, DealQueueSchema, Operation, execute

ContextFor = Callable[[Viewer, str], Context]


class GraphQLRoute:
    """No GET, no uploads, no batches, no WebSocket: they are not refused, they do not exist."""

    def __init__(self, schema: DealQueueSchema, context_for: ContextFor) -> None:
        self._schema = schema
        self._context_for = context_for

    async def run(self, request: Request) -> Response:
        try:
            operation = _operation(await read_object(request))
        except BadBody as error:
            return error.answer(GRAPHQL_PATH)
        context = self._context_for(request.state.viewer, request.state.request_id)
        answer = await execute(self._schema, operation, context)
        return _response(answer, preferred(request.headers.get("accept", "")))


def _operation(body: dict[str, Any]) -> Operation:
    """BadBody names the member that is not what it should be."""
    return Operation(
        document=_member(body, "query", str, "a string, and not empty") or _missing(),
        variables=_member(body, "variables", dict, "an object"),
        name=_member(body, "operationName", str, "a string"),
        extensions=_member(body, "extensions", dict, "an object"),
    )


def _member(body: dict[str, Any], name: str, type_: type, what: str) -> Any:
    value = body.get(name)
    if value is not None and not isinstance(value, type_):
        raise BadBody(400, f"`{name}` must be {what}.")
    return value


def _missing() -> str:
    raise BadBody(400, "The body holds no `query`: send the GraphQL document there.")


def _response(answer: Answer, media_type: str) -> Response:
    body: dict[str, Any] = {"data": answer.data}
    if answer.errors:
        body["errors"] = answer.errors
    refused = media_type == GRAPHQL_RESPONSE and not answer.executed
    if refused:
        # The newer media type says by the status what the older one says by `"data": null`.
        del body["data"]
    return Response(orjson.dumps(body), 400 if refused else 200, media_type=media_type)
