"""/auth/session: signing a browser in and out."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.body import BadBody, read_object
from api.responses import JsonResponse, error_response
from api.session.authenticator import (
    CROSS_ORIGIN,
    FORBIDDEN,
    SIGN_IN,
    UNAUTHENTICATED,
    client_address,
    too_many_failures,
)
from api.session.credentials import Credentials
from api.session.same_origin import is_same_origin
from api.session.sessions import SESSION_LIFETIME

SESSION_PATH = "/auth/session"
INVALID_CODE = (
    "This sign-in link was already used or is older than ten minutes. Run `.venv/bin/python -m api link` on the "
    "server to print a new one."
)
INVALID_TOKEN = "This token is not valid on this server."  # noqa: S105 - a sentence, not a secret
EXPECTED_BODY = 'Send {"code": "..."} from a sign-in link, or {"token": "..."}.'


class SessionRoutes:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def show(self, request: Request) -> Response:
        """The name and role of the signed-in viewer."""
        credential = self._credentials.read(request.headers)
        viewer = None if credential is None else await self._credentials.viewer(credential)
        if viewer is None:
            return error_response(SESSION_PATH, 401, UNAUTHENTICATED, SIGN_IN)
        return JsonResponse({"name": viewer.name, "role": viewer.role})

    async def begin(self, request: Request) -> Response:
        """Exchange a code or a token for a session cookie."""
        if not is_same_origin(request.headers):
            return error_response(SESSION_PATH, 403, FORBIDDEN, CROSS_ORIGIN)
        try:
            kind, secret = _code_or_token(await read_object(request))
        except BadBody as error:
            return error.response(SESSION_PATH)
        sessions, tokens = self._credentials.sessions, self._credentials.tokens
        viewer = await sessions.redeem(secret) if kind == "code" else tokens.find(secret)
        if viewer is None:
            return self._invalid(request, kind)
        return self._with_cookie(request, await sessions.begin(viewer), SESSION_LIFETIME)

    async def end(self, request: Request) -> Response:
        """Sign out; succeeds for a browser that is not signed in, too."""
        if not is_same_origin(request.headers):
            return error_response(SESSION_PATH, 403, FORBIDDEN, CROSS_ORIGIN)
        cookie = request.cookies.get(self._credentials.cookie)
        if cookie:
            await self._credentials.sessions.end(cookie)
        return self._with_cookie(request, "", timedelta(0))

    def _invalid(self, request: Request, kind: str) -> Response:
        if self._credentials.throttle.failed(client_address(request.scope)):
            return too_many_failures(SESSION_PATH)
        message = INVALID_CODE if kind == "code" else INVALID_TOKEN
        return error_response(SESSION_PATH, 401, f"INVALID_{kind.upper()}", message)

    def _with_cookie(self, request: Request, value: str, lifetime: timedelta) -> Response:
        response = Response(status_code=204)
        response.set_cookie(
            self._credentials.cookie,
            value,
            max_age=int(lifetime.total_seconds()),
            path="/",
            httponly=True,
            samesite="strict",
            # A TLS proxy forwards plain HTTP; the browser's Origin says whether it reached the proxy by https.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return response


def _code_or_token(body: dict[str, Any]) -> tuple[str, str]:
    """("code" or "token", the secret); BadBody for anything but exactly one of them."""
    if len(body) == 1:
        kind, secret = next(iter(body.items()))
        if kind in {"code", "token"} and isinstance(secret, str):
            return kind, secret
    raise BadBody(400, EXPECTED_BODY)
