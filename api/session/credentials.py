"""The credential of a request, and the viewer that it identifies."""

from typing import Literal, NamedTuple

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from api.session.sessions import Sessions
from api.session.throttle import Throttle
from api.session.tokens import Tokens
from resolvers.viewer import Viewer


class Credential(NamedTuple):
    kind: Literal["bearer", "cookie"]
    secret: str


class Credentials:
    """Every way to prove an identity to this process, and the throttle on wrong ones."""

    def __init__(self, tokens: Tokens, sessions: Sessions, throttle: Throttle, *, cookie: str) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self.throttle = throttle
        self.cookie = cookie

    def read(self, headers: Headers) -> Credential | None:
        """The bearer token if there is one, else the session cookie."""
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return Credential("bearer", secret.strip())
        session = cookie_parser(headers.get("cookie", "")).get(self.cookie)
        return Credential("cookie", session) if session else None

    async def viewer(self, credential: Credential) -> Viewer | None:
        """None for a credential that is wrong or has expired."""
        if credential.kind == "bearer":
            return self.tokens.find(credential.secret)
        return await self.sessions.find(credential.secret)
