"""The outermost middleware: gives each response a request id and security headers, and turns an exception into one."""

import secrets

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.responses import error_response
from api.security_headers import HEADERS
from core.errors import DatabaseNotReady, DatabaseUnavailable
from schema.errors import Code

log = structlog.get_logger()

REQUEST_ID = "X-Request-Id"


class RequestMiddleware:
    """The request id is in `scope["state"]`, in every log entry of the request and in the response's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._respond(scope, receive, send, request_id)

    async def _respond(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            log.exception("http.unexpected_error", path=scope["path"])
            if started:
                raise
            await _server_error(error, scope["path"], request_id)(scope, receive, send_with_headers)


def _server_error(error: Exception, path: str, request_id: str) -> ASGIApp:
    database_unavailable = isinstance(error, DatabaseUnavailable | DatabaseNotReady)
    what = "The database does not answer." if database_unavailable else "Something went wrong in the server."
    message = f"{what} The server's log has the details under request {request_id}."
    status = 503 if database_unavailable else 500
    return error_response(path, status, Code.INTERNAL_SERVER_ERROR, message, request_id=request_id)
