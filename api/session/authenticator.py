"""The middleware that refuses a request without a credential, before a byte of its body is read."""

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.responses import GRAPHQL_PATH, error_response
from api.session.credentials import Credentials
from api.session.same_origin import is_same_origin
from api.session.throttle import WINDOW_SECONDS

GRAPHIQL_PATH = "/graphiql"
METRICS_PATH = "/metrics"
PROTECTED = (GRAPHQL_PATH, GRAPHIQL_PATH, METRICS_PATH)

UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
CROSS_ORIGIN = "This request was sent by a page of another site; it was not carried out."
SIGN_IN = "Sign in to use this API."

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator:
    """Passes requests with a valid credential on to the protected paths and puts the viewer into `scope["state"]`.

    Decides by `scope["path"]`, as the router does; `request.url` is derived from the Host header, which the caller
    can choose.
    """

    def __init__(self, app: ASGIApp, *, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = None
        if scope["type"] == "http" and is_protected(scope["path"]):
            refused = await self._authenticate(scope, Headers(scope=scope))
        await (refused or self._app)(scope, receive, send)

    async def _authenticate(self, scope: Scope, headers: Headers) -> Response | None:
        """The error response; None when the request may proceed."""
        credential = self._credentials.read(headers)
        if credential is None:
            return _unauthenticated(scope["path"])
        viewer = await self._credentials.viewer(credential)
        if viewer is None:
            throttled = self._credentials.throttle.failed(client_address(scope))
            return too_many_failures(scope["path"]) if throttled else _unauthenticated(scope["path"])
        writes = scope["method"] not in _SAFE_METHODS
        if credential.kind == "cookie" and writes and not is_same_origin(headers):
            return error_response(scope["path"], 403, FORBIDDEN, CROSS_ORIGIN)
        scope["state"]["viewer"] = viewer
        return None


def is_protected(path: str) -> bool:
    return any(path == protected or path.startswith(f"{protected}/") for protected in PROTECTED)


def client_address(scope: Scope) -> str:
    """The peer's address. Behind a proxy all clients share the proxy's count; a valid credential is never throttled."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def too_many_failures(path: str) -> Response:
    seconds = str(int(WINDOW_SECONDS))
    message = f"Too many wrong credentials came from this address. Try again in {seconds} seconds."
    return error_response(path, 429, TOO_MANY_REQUESTS, message, headers={"Retry-After": seconds})


def _unauthenticated(path: str) -> Response:
    if path == GRAPHIQL_PATH:
        return RedirectResponse(f"/?next={GRAPHIQL_PATH}", status_code=303)
    return error_response(path, 401, UNAUTHENTICATED, SIGN_IN, headers={"WWW-Authenticate": "Bearer"})
