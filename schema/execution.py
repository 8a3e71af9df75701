"""Running one operation: with the limits, the caches and a deadline, and every error in its final form."""

import asyncio
from typing import Any, NamedTuple

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers.context import Context
from schema.errors import Code, code_of, internal_error, present
from schema.limits import MAX_TOKENS, LimitRule
from schema.operation_name import NamedOperation
from schema.query import Query
from schema.scalars import SCALARS

log = structlog.get_logger()

DEADLINE_SECONDS = 10


class Operation(NamedTuple):
    """What a request asks for."""

    document: str
    variables: dict[str, Any] | None = None
    name: str | None = None
    extensions: dict[str, Any] | None = None


class Answer(NamedTuple):
    """`errors` as they go out. `executed` is False when the request was refused as a whole: there is no data then."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]
    executed: bool


class DealQueueSchema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: `execute` logs each error once. Strawberry would log every typing mistake with its document."""


def _max_tokens() -> SchemaExtension:
    return MaxTokensLimiter(MAX_TOKENS)


def _limits() -> SchemaExtension:
    # The same class every time, or the validation cache would never find what it has.
    return AddValidationRules([LimitRule])


def create_schema() -> DealQueueSchema:
    return DealQueueSchema(
        query=Query,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[_max_tokens, _limits, ParserCache, NamedOperation, ValidationCache],
    )


async def execute(schema: DealQueueSchema, operation: Operation, context: Context) -> Answer:
    """The answer to one operation; never raises for anything that the operation or a resolver did."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            result = await schema.execute(
                operation.document,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.name,
                allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
                operation_extensions=operation.extensions,
            )
    except TimeoutError:
        log.warning("graphql.deadline_exceeded", seconds=DEADLINE_SECONDS)
        late = f"The answer took longer than {DEADLINE_SECONDS} seconds and was given up."
        return Answer(None, [internal_error(context.request_id, late)], executed=True)
    except CannotGetOperationTypeError as error:
        name = error.operation_name
        return _refused(
            "The document holds no operation." if name is None else f"The document holds no operation `{name:.60}`."
        )
    except InvalidOperationTypeError as error:
        return _refused(f"This API has no {error.operation_type.value}s.")
    executed = not isinstance(result, PreExecutionError)
    return _answer(result.data, result.errors or [], context.request_id, executed=executed)


def _refused(message: str) -> Answer:
    error = GraphQLError(message, extensions={"code": Code.OPERATION_RESOLUTION_FAILURE})
    return _answer(None, [error], "", executed=False)


def _answer(data: dict[str, Any] | None, errors: list[GraphQLError], request_id: str, *, executed: bool) -> Answer:
    coded = [(error, code_of(error, executed=executed)) for error in errors]
    _log(coded)
    shown = [present(error, code, request_id) for error, code in coded]
    # Variables that do not fit are found before the first field: such a request was refused, too.
    return Answer(data, shown, executed=executed and (data is not None or any(error.path for error in errors)))


def _log(errors: list[tuple[GraphQLError, Code]]) -> None:
    logged: set[int] = set()
    for error, code in errors:
        cause = error.original_error or error
        if id(cause) in logged:
            continue
        # One failed loader fails every field that waited for it.
        logged.add(id(cause))
        if code is Code.INTERNAL_SERVER_ERROR:
            log.error("graphql.unexpected_error", path=error.path, exc_info=cause)
        else:
            log.info("graphql.client_error", code=code, message=error.message[:200])
