"""Closed by default: who has no credential gets nothing, before a byte of the body is read."""

from typing import Literal, NamedTuple

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.responses import GRAPHQL_PATH, refusal
from api.session.same_origin import is_same_origin
from api.session.sessions import Sessions
from api.session.throttle import WINDOW_SECONDS, Throttle
from api.session.tokens import Tokens
from resolvers.viewer import Viewer

GRAPHIQL_PATH = "/graphiql"
METRICS_PATH = "/metrics"
CLOSED = (GRAPHQL_PATH, GRAPHIQL_PATH, METRICS_PATH)

UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
FOREIGN_PAGE = "This request was sent by a page of another site; it was not carried out."
SIGN_IN = "Sign in to use this API."

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Credential(NamedTuple):
    kind: Literal["bearer", "cookie"]
    secret: str


class Authenticator:
    """Knows whose a credential is, and which address has shown too many wrong ones."""

    def __init__(self, tokens: Tokens, sessions: Sessions, throttle: Throttle, *, cookie: str) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self.throttle = throttle
        self.cookie = cookie

    def credential(self, headers: Headers) -> Credential | None:
        """The bearer token if there is one, else the session cookie."""
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return Credential("bearer", secret.strip())
        session = cookie_parser(headers.get("cookie", "")).get(self.cookie)
        return Credential("cookie", session) if session else None

    async def viewer(self, credential: Credential) -> Viewer | None:
        if credential.kind == "bearer":
            return self.tokens.find(credential.secret)
        return await self.sessions.find(credential.secret)


class Gate:
    """Lets callers with a credential through to the closed paths; `scope["state"]["viewer"]` tells who it is.

    Decides on `scope["path"]`, which is also what the router goes by; `request.url` is made from the Host header.
    """

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = None
        if scope["type"] == "http" and is_closed(scope["path"]):
            refused = await self._refuse(scope, Headers(scope=scope))
        await (refused or self._app)(scope, receive, send)

    async def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """What to answer instead; None when the caller may go on."""
        credential = self._authenticator.credential(headers)
        if credential is None:
            return _unauthenticated(scope["path"])
        viewer = await self._authenticator.viewer(credential)
        if viewer is None:
            too_many = self._authenticator.throttle.failed(address(scope))
            return too_many_failures(scope["path"]) if too_many else _unauthenticated(scope["path"])
        changes = scope["method"] not in _SAFE_METHODS
        if credential.kind == "cookie" and changes and not is_same_origin(headers):
            return refusal(scope["path"], 403, FORBIDDEN, FOREIGN_PAGE)
        scope["state"]["viewer"] = viewer
        return None


def is_closed(path: str) -> bool:
    return any(path == closed or path.startswith(f"{closed}/") for closed in CLOSED)


def address(scope: Scope) -> str:
    """Of the peer. Behind a proxy it is the proxy's: then all share one count, which hinders no right credential."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def too_many_failures(path: str) -> Response:
    seconds = str(int(WINDOW_SECONDS))
    message = f"Too many wrong credentials came from this address. Try again in {seconds} seconds."
    return refusal(path, 429, TOO_MANY_REQUESTS, message, headers={"Retry-After": seconds})


def _unauthenticated(path: str) -> Response:
    if path == GRAPHIQL_PATH:
        return RedirectResponse(f"/?next={GRAPHIQL_PATH}", status_code=303)
    return refusal(path, 401, UNAUTHENTICATED, SIGN_IN, headers={"WWW-Authenticate": "Bearer"})
