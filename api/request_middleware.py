"""What every answer carries, and what a caller gets when an answer could not be made."""

import secrets

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.responses import refusal
from schema.errors import Code

log = structlog.get_logger()

REQUEST_ID = "X-Request-Id"

_PAGE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
# GraphiQL's editor writes styles into the document, brings its own fonts and thinks in workers.
_GRAPHIQL_POLICY = _PAGE_POLICY | {
    "style-src": "'self' 'unsafe-inline'",
    "worker-src": "'self'",
    "font-src": "'self' data:",
}


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


PAGE_CSP = _policy(_PAGE_POLICY)
GRAPHIQL_CSP = _policy(_GRAPHIQL_POLICY)

# A route may set its own; nothing goes out without.
HEADERS = {
    "Content-Security-Policy": PAGE_CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Envelope:
    """The outermost layer: an id for the request, the headers, and an answer instead of an exception."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:
            log.exception("http.unexpected_error", path=scope["path"])
            if started:
                raise
            await _failure(error, scope["path"], request_id)(scope, receive, dressed)


def _dress(headers: MutableHeaders, request_id: str) -> None:
    headers[REQUEST_ID] = request_id
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _failure(error: Exception, path: str, request_id: str) -> ASGIApp:
    database_is_away = isinstance(error, OSError | SQLAlchemyError)
    what = "The database does not answer." if database_is_away else "Something went wrong in the server."
    message = f"{what} The server's log says more under request {request_id}."
    status = 503 if database_is_away else 500
    return refusal(path, status, Code.INTERNAL_SERVER_ERROR, message, request_id=request_id)
