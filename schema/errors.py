"""The form of an error for clients: a sentence and a code. Internal causes stay in the log."""

from enum import StrEnum
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from resolvers.errors import BadInput

# Characters. graphql-core's messages may quote the whole document.
MAX_MESSAGE = 300


class Code(StrEnum):
    """`extensions.code`, with the names that Apollo Server and tools for testing GraphQL servers use."""

    BAD_REQUEST = "BAD_REQUEST"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"


def code_of(error: GraphQLError, *, executed: bool) -> Code:
    """`executed` is False for an error of parsing or validation."""
    if isinstance(error, GraphQLSyntaxError):
        return Code.GRAPHQL_PARSE_FAILED
    if error.extensions and "code" in error.extensions:
        return Code(error.extensions["code"])
    if not _is_client_error(error):
        return Code.INTERNAL_SERVER_ERROR
    return Code.BAD_USER_INPUT if executed else Code.GRAPHQL_VALIDATION_FAILED


def _is_client_error(error: GraphQLError) -> bool:
    cause = error.original_error
    if not isinstance(cause, GraphQLError):
        return cause is None or isinstance(cause, BadInput)
    # An error with nodes is about an argument, one without a path about a variable; any other is about our own result.
    return bool(cause.nodes) or error.path is None


def present(error: GraphQLError, code: Code, request_id: str) -> dict[str, Any]:
    """The error as the response shows it."""
    shown: dict[str, Any] = {"message": error.message[:MAX_MESSAGE]}
    if code is Code.INTERNAL_SERVER_ERROR:
        shown = internal_error(request_id)
    else:
        shown["extensions"] = {"code": code}
    if error.locations:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def internal_error(request_id: str, message: str = "Something went wrong in the server.") -> dict[str, Any]:
    return {
        "message": f"{message} The server's log has the details under request {request_id}.",
        "extensions": {"code": Code.INTERNAL_SERVER_ERROR, "requestId": request_id},
    }
