"""Executes one operation within the limits and a deadline; every error comes out in the form that clients see."""

import asyncio
from typing import Any, NamedTuple

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers.context import RequestContext
from schema.errors import Code, code_of, internal_error, present
from schema.limits import MAX_TOKENS, LimitRule
from schema.operation_name import RequireOperationName
from schema.query import Query
from schema.scalars import SCALARS

log = structlog.get_logger()

DEADLINE_SECONDS = 10


class GraphQLRequest(NamedTuple):
    document: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class GraphQLResponse(NamedTuple):
    """`executed` is False when the whole request was refused before execution; `data` is None then."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]
    executed: bool


class DealQueueSchema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does nothing: `execute` logs each error once. Strawberry would log each client error with its document."""


def create_schema() -> DealQueueSchema:
    return DealQueueSchema(
        query=Query,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[
            lambda: MaxTokensLimiter(MAX_TOKENS),
            # The same class each time: the class is part of the validation cache's key.
            lambda: AddValidationRules([LimitRule]),
            ParserCache,
            RequireOperationName,
            ValidationCache,
        ],
    )


async def execute(schema: DealQueueSchema, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
    """The response to one request; raises for no error of the client or of a resolver."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            result = await schema.execute(
                request.document,
                variable_values=request.variables,
                context_value=context,
                operation_name=request.operation_name,
                allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
                operation_extensions=request.extensions,
            )
    except TimeoutError:
        log.warning("graphql.deadline_exceeded", seconds=DEADLINE_SECONDS)
        late = f"The operation took longer than {DEADLINE_SECONDS} seconds and was stopped."
        return GraphQLResponse(None, [internal_error(context.request_id, late)], executed=True)
    except CannotGetOperationTypeError as error:
        name = error.operation_name
        return _not_executed(
            "The document has no operation." if name is None else f"The document has no operation `{name:.60}`."
        )
    except InvalidOperationTypeError as error:
        return _not_executed(f"This API has no {error.operation_type.value}s.")
    executed = not isinstance(result, PreExecutionError)
    return _response(result.data, result.errors or [], context.request_id, executed=executed)


def _not_executed(message: str) -> GraphQLResponse:
    error = GraphQLError(message, extensions={"code": Code.OPERATION_RESOLUTION_FAILURE})
    return _response(None, [error], "", executed=False)


def _response(
    data: dict[str, Any] | None, errors: list[GraphQLError], request_id: str, *, executed: bool
) -> GraphQLResponse:
    coded = [(error, code_of(error, executed=executed)) for error in errors]
    _log(coded)
    shown = [present(error, code, request_id) for error, code in coded]
    # Wrong variables are found before the first field is resolved: such a request was not executed either.
    return GraphQLResponse(data, shown, executed=executed and (data is not None or any(error.path for error in errors)))


def _log(errors: list[tuple[GraphQLError, Code]]) -> None:
    logged: set[int] = set()
    for error, code in errors:
        cause = error.original_error or error
        if id(cause) in logged:
            continue
        # One failed loader batch fails every field that waits for it.
        logged.add(id(cause))
        if code is Code.INTERNAL_SERVER_ERROR:
            log.error("graphql.unexpected_error", path=error.path, exc_info=cause)
        else:
            log.info("graphql.client_error", code=code, message=error.message[:200])
