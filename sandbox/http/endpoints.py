"""What every route has in common: token, faults, limits, scopes, headers, HubSpot's error shape, a count of calls."""

import asyncio
import hmac
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.clock import Clock
from sandbox.config import Config
from sandbox.faults.altered_responses import rewritten
from sandbox.faults.error_responses import refusal, retry_headers
from sandbox.faults.kinds import BODIES, EARLY, LATE, PAGES, SILENCE, WIRE
from sandbox.faults.plan import Plan
from sandbox.faults.transport import EXCHANGE
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.errors import ApiError
from sandbox.http.journal import Exchange
from sandbox.http.rate_limits import Limits, Policy, Refusal
from sandbox.http.scopes import Rule, nothing

JSON = "application/json;charset=utf-8"
UNKNOWN_ROUTE = "(no route)"

Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type=JSON)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a route asks for: which limit it counts against, which scopes it needs, whether it needs the token."""

    policy: Policy = Policy.BURST
    scopes: Rule = nothing
    token: bool = True


@dataclass
class FormerPages:
    """The last page that each route gave, for whoever wants to see it twice; a part of what a snapshot puts back."""

    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def replaced(self, route: tuple[str, str], body: bytes) -> bytes | None:
        """The one before this one."""
        former, self.bodies[route] = self.bodies.get(route), body
        return former


class Edge:
    """Wraps handlers into endpoints. `calls` counts (method, route template, status)."""

    def __init__(self, clock: Clock, config: Config, limits: Limits, plan: Plan) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self._clock = clock
        self._config = config
        self._limits = limits
        self._plan = plan
        self.former = FormerPages()

    def endpoint(self, template: str, handler: Handler, rules: Rules) -> Endpoint:
        """An endpoint of HubSpot's."""

        async def answer(request: Request) -> Response:
            exchange: Exchange = request.scope[EXCHANGE]
            exchange.falls_under(rules.policy)
            call = Call(request, await request.body())
            response = self._response(call, template, handler, rules)
            await asyncio.sleep(self._config.latency_ms / 1000)
            return self._finish(request, template, response)

        return answer

    def open_endpoint(self, template: str, handler: Handler) -> Endpoint:
        """An endpoint without token, faults and limits: the control plane."""

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

    def counted(self) -> Mapping[str, Any]:
        """Calls by `METHOD template`, then by status."""
        counts: dict[str, dict[str, int]] = {}
        for (method, template, status), count in sorted(self.calls.items()):
            counts.setdefault(f"{method} {template}", {})[str(status)] = count
        return counts

    def _response(self, call: Call, template: str, handler: Handler, rules: Rules) -> Response:
        headers: Mapping[str, str] = {}
        try:
            self._authenticate(call.request, rules)
            struck = self._struck_early(call)
            if struck is not None:
                return struck
            refused = self._limits.take(rules.policy)
            headers = self._limits.headers(rules.policy, refused)
            if refused:
                raise _too_many(refused)
            self._authorize(call, rules)
            response = self._struck_late(call, template, handler(call))
        except ApiError as error:
            response = self._error(error)
        response.headers.update(headers)
        return response

    def _authenticate(self, request: Request, rules: Rules) -> None:
        """Also the token-info route fails for a revoked token; it gets it in its body."""
        given = request.headers.get("authorization", "").encode()
        right = hmac.compare_digest(given, f"Bearer {self._config.token}".encode())
        if rules.token and (self._config.token_revoked or not right):
            raise errors.unauthenticated()

    def _authorize(self, call: Call, rules: Rules) -> None:
        missing = set(rules.scopes(call)).intersection(self._config.missing_scopes)
        if missing:
            raise errors.missing_scopes(sorted(missing))

    def _struck_early(self, call: Call) -> Response | None:
        """The answer of a fault that keeps the request from being carried out."""
        for fault in self._plan.draw(call.request.method, call.target, EARLY):
            fault.applied += 1
            if fault.kind in SILENCE:
                call.request.scope[EXCHANGE].fault = fault
                return Response()
            response = self._error(refusal(fault))
            response.headers.update(retry_headers(fault))
            return response
        return None

    def _struck_late(self, call: Call, template: str, response: Response) -> Response:
        """The answer as a fault leaves it."""
        former = self.former.replaced((call.request.method, template), bytes(response.body))
        for fault in self._plan.draw(call.request.method, call.target, LATE):
            if fault.kind in WIRE:
                call.request.scope[EXCHANGE].fault = fault
            elif fault.kind in PAGES | BODIES:
                changed = rewritten(fault.kind, call, response, former)
                if changed is None:
                    continue
                response = changed
            fault.applied += 1
            break
        return response

    @staticmethod
    def _error(error: ApiError) -> Response:
        correlation_id = str(uuid.uuid4())
        if error.page is not None:
            return HTMLResponse(error.page, error.status)
        response = json_response(error.body(correlation_id), error.status)
        response.headers["X-HubSpot-Correlation-Id"] = correlation_id
        return response

    def _finish(self, request: Request, template: str, response: Response) -> Response:
        """`Date` comes from the sandbox's clock, because a sync measures its windows by it."""
        response.headers.setdefault("X-HubSpot-Correlation-Id", str(uuid.uuid4()))
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        self.calls[request.method, template, response.status_code] += 1
        return response


def _too_many(refused: Refusal) -> ApiError:
    if refused is Refusal.SEARCH:
        return errors.search_limit()
    limit = errors.burst_limit if refused is Refusal.BURST else errors.daily_limit
    return limit(uuid.uuid4().hex)


def _phrase(error: Exception) -> str:
    return str(error.detail) if isinstance(error, HTTPException) else "internal error"
