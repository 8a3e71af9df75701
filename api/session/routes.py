"""/auth/session: signing a browser in and out."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.graphql.body import BadBody, read_object
from api.responses import JsonAnswer, refusal
from api.session.authenticator import (
    FORBIDDEN,
    FOREIGN_PAGE,
    SIGN_IN,
    UNAUTHENTICATED,
    Authenticator,
    address,
    too_many_failures,
)
from api.session.same_origin import is_same_origin
from api.session.sessions import SESSION_LIFETIME
from resolvers.viewer import Viewer

PATH = "/auth/session"
INVALID_CODE = (
    "This sign-in link is used up or older than ten minutes; on the server, "
    "`.venv/bin/python -m api link` prints a fresh one."
)
INVALID_TOKEN = "This token is not one of this server's."  # noqa: S105 - a sentence, not a secret
WHAT_TO_SEND = 'Send {"code": "..."} from a sign-in link, or {"token": "..."}.'


class SessionRoutes:
    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._sessions = authenticator.sessions

    async def show(self, request: Request) -> Response:
        """Who is signed in."""
        credential = self._authenticator.credential(request.headers)
        viewer = None if credential is None else await self._authenticator.viewer(credential)
        if viewer is None:
            return refusal(PATH, 401, UNAUTHENTICATED, SIGN_IN)
        return JsonAnswer({"name": viewer.name, "role": viewer.role})

    async def begin(self, request: Request) -> Response:
        """Exchange a code or a token for a session cookie."""
        if not is_same_origin(request.headers):
            return refusal(PATH, 403, FORBIDDEN, FOREIGN_PAGE)
        try:
            kind, secret = _secret(await read_object(request))
        except BadBody as error:
            return error.answer(PATH)
        viewer = await self._sessions.redeem(secret) if kind == "code" else self._authenticator.tokens.find(secret)
        return self._wrong(request, kind) if viewer is None else await self._signed_in(request, viewer)

    async def end(self, request: Request) -> Response:
        """Sign out; also right for whoever is not signed in."""
        if not is_same_origin(request.headers):
            return refusal(PATH, 403, FORBIDDEN, FOREIGN_PAGE)
        cookie = request.cookies.get(self._authenticator.cookie)
        if cookie:
            await self._sessions.end(cookie)
        return self._with_cookie(request, "", timedelta(0))

    def _wrong(self, request: Request, kind: str) -> Response:
        if self._authenticator.throttle.failed(address(request.scope)):
            return too_many_failures(PATH)
        return refusal(PATH, 401, f"INVALID_{kind.upper()}", INVALID_CODE if kind == "code" else INVALID_TOKEN)

    async def _signed_in(self, request: Request, viewer: Viewer) -> Response:
        return self._with_cookie(request, await self._sessions.begin(viewer), SESSION_LIFETIME)

    def _with_cookie(self, request: Request, value: str, lifetime: timedelta) -> Response:
        response = Response(status_code=204)
        response.set_cookie(
            self._authenticator.cookie,
            value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            httponly=True,
            samesite="strict",
            # A TLS proxy before us speaks plain HTTP to us; the browser tells how it reached the proxy.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return response


def _secret(body: dict[str, Any]) -> tuple[str, str]:
    """("code" or "token", what it is); BadBody for anything but exactly one of them."""
    if len(body) == 1:
        kind, secret = next(iter(body.items()))
        if kind in {"code", "token"} and isinstance(secret, str):
            return kind, secret
    raise BadBody(400, WHAT_TO_SEND) from None
