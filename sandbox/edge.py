"""What every route has in common: token, limits, headers, HubSpot's error shape, and a count of calls."""

import hmac
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.clock import Clock
from sandbox import errors
from sandbox.call import Call
from sandbox.errors import ApiError
from sandbox.limits import Limits, Policy

JSON = "application/json;charset=utf-8"
UNKNOWN_ROUTE = "(no route)"

Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type=JSON)


class Edge:
    """Wraps handlers into endpoints. `calls` counts (method, route template, status)."""

    def __init__(self, clock: Clock, token: str, limits: Limits) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self._clock = clock
        self._authorization = f"Bearer {token}".encode()
        self._limits = limits

    def endpoint(self, template: str, handler: Handler, policy: Policy) -> Endpoint:
        """An endpoint that asks for the token and counts against the limits."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            headers: Mapping[str, str] = {}
            try:
                self._authenticate(request)
                taken = self._limits.take(policy)
                headers = self._limits.headers(policy, refused=not taken)
                if not taken:
                    raise _too_many(policy)
                response = handler(Call(request, body))
            except ApiError as error:
                response = self._error(error)
            response.headers.update(headers)
            return self._finish(request, template, response)

        return answer

    def open_endpoint(self, template: str, handler: Handler) -> Endpoint:
        """An endpoint without token and limits: the control plane."""

        async def answer(request: Request) -> Response:
            try:
                response = handler(Call(request, await request.body()))
            except ApiError as error:
                response = self._error(error)
            return self._finish(request, template, response)

        return answer

    async def no_route(self, request: Request, error: Exception) -> Response:
        """Starlette's own 404 and 405, in HubSpot's shape."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        answer = errors.not_found() if status == 404 else ApiError(status, _phrase(error))
        return self._finish(request, UNKNOWN_ROUTE, self._error(answer))

    async def failed(self, request: Request, _: Exception) -> Response:
        """A mistake of the sandbox's own: told without a trace; uvicorn logs it in full."""
        return self._finish(request, UNKNOWN_ROUTE, self._error(ApiError(500, "internal error")))

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            raise errors.unauthenticated()

    @staticmethod
    def _error(error: ApiError) -> Response:
        correlation_id = str(uuid.uuid4())
        response = json_response(error.body(correlation_id), error.status)
        response.headers["X-HubSpot-Correlation-Id"] = correlation_id
        return response

    def _finish(self, request: Request, template: str, response: Response) -> Response:
        """`Date` comes from the sandbox's clock, because a sync measures its windows by it."""
        response.headers.setdefault("X-HubSpot-Correlation-Id", str(uuid.uuid4()))
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        self.calls[request.method, template, response.status_code] += 1
        return response

    def counted(self) -> Mapping[str, Any]:
        """Calls by `METHOD template`, then by status."""
        counts: dict[str, dict[str, int]] = {}
        for (method, template, status), count in sorted(self.calls.items()):
            counts.setdefault(f"{method} {template}", {})[str(status)] = count
        return counts


def _too_many(policy: Policy) -> ApiError:
    return errors.search_limit() if policy is Policy.SEARCH else errors.burst_limit(uuid.uuid4().hex)


def _phrase(error: Exception) -> str:
    return str(error.detail) if isinstance(error, HTTPException) else "internal error"
