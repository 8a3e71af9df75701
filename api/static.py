"""The built web client: index.html for every page path, hashed assets that browsers cache for a year."""

import stat
from pathlib import Path, PurePosixPath

from anyio import to_thread
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.responses import error_response
from api.security_headers import GRAPHIQL_CSP

WEB_CLIENT = Path(__file__).parent.parent / "web" / "dist"
PAGE = "index.html"
GRAPHIQL = "graphiql.html"

# The name of an asset contains the hash of its content.
IMMUTABLE = "public, max-age=31536000, immutable"
# Cached, but revalidated on each request; 304 while unchanged.
REVALIDATE = "no-cache"

# First segments of paths that are not pages: a mistyped one gets 404 instead of index.html.
_NOT_PAGES = frozenset({"api", "assets", "auth", "graphql", "graphiql", "healthz", "metrics", "readyz"})
NOT_BUILT = "The web client is not built. Run `make run`, which builds and starts everything, then reload this page."


class WebClient:
    """The ASGI application for every path without a route."""

    def __init__(self, folder: Path = WEB_CLIENT) -> None:
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def graphiql(self, scope: Scope) -> Response:
        """GraphiQL's page, with the content security policy that its editor needs."""
        response = await self._page(GRAPHIQL, scope)
        response.headers["Content-Security-Policy"] = GRAPHIQL_CSP
        return response

    async def _respond(self, scope: Scope) -> Response:
        path = PurePosixPath(scope["path"])
        if scope["method"] not in {"GET", "HEAD"} or path.suffix == ".html":
            return _not_found(scope)
        if path.suffix:
            immutable = path.parts[1:2] == ("assets",)
            return await self._file(str(path), scope, IMMUTABLE if immutable else REVALIDATE) or _not_found(scope)
        if _NOT_PAGES.intersection(path.parts[1:2]):
            return _not_found(scope)
        return await self._page(PAGE, scope)

    async def _page(self, name: str, scope: Scope) -> Response:
        return await self._file(name, scope, REVALIDATE) or PlainTextResponse(NOT_BUILT, status_code=503)

    async def _file(self, path: str, scope: Scope, cache_control: str) -> Response | None:
        try:
            # Starlette's look-up never leaves the folder, whatever the path is.
            full_path, found = await to_thread.run_sync(self._files.lookup_path, path.lstrip("/"))
        except (OSError, ValueError):
            return None
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        response = self._files.file_response(full_path, found, scope)
        response.headers["Cache-Control"] = cache_control
        return response


def _not_found(scope: Scope) -> Response:
    return error_response(scope["path"], 404, "NOT_FOUND", "Nothing is found at this address.")
