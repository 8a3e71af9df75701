"""What all routes share: token, faults, rate limits, scopes, headers, HubSpot's error format, the count of calls."""

import asyncio
import hmac
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.clock import Clock
from sandbox.config import Config
from sandbox.faults.altered_responses import PreviousPages, altered
from sandbox.faults.error_responses import ERRORS, retry_headers
from sandbox.faults.kinds import AFTER_EXECUTION, BEFORE_EXECUTION, BROKEN_CONNECTIONS, WITHOUT_RESPONSE
from sandbox.faults.plan import FaultPlan
from sandbox.faults.transport import EXCHANGE, FAULT
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.errors import ApiError
from sandbox.http.journal import Exchange
from sandbox.http.rate_limits import ExceededLimit, Policy, RateLimits
from sandbox.http.responses import json_response
from sandbox.http.scopes import RequiredScopes, no_scope

UNKNOWN_ROUTE = "(no route)"
LIMIT_ERRORS: Mapping[ExceededLimit, Callable[[], ApiError]] = {
    ExceededLimit.BURST: errors.burst_limit,
    ExceededLimit.SEARCH: errors.search_limit,
    ExceededLimit.DAILY: errors.daily_limit,
}

Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class RouteRequirements:
    """The rate limit that a route counts against, the scopes that it requires, and whether it requires the token."""

    policy: Policy = Policy.BURST
    scopes: RequiredScopes = no_scope
    token: bool = True


class Endpoints:
    """Turns handlers into endpoints. `calls` counts (method, route template, status)."""

    def __init__(self, clock: Clock, config: Config, limits: RateLimits, faults: FaultPlan) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self.previous_pages = PreviousPages()
        self._clock = clock
        self._config = config
        self._limits = limits
        self._faults = faults

    def hubspot(self, template: str, handler: Handler, requirements: RouteRequirements) -> Endpoint:
        """An endpoint of HubSpot's API."""

        async def answer(request: Request) -> Response:
            exchange: Exchange = request.scope[EXCHANGE]
            exchange.set_policy(requirements.policy)
            call = Call(request, await request.body())
            response = self._respond(call, template, handler, requirements)
            await asyncio.sleep(self._config.latency_ms / 1000)
            return self._finish(request, template, response)

        return answer

    def control(self, template: str, handler: Handler) -> Endpoint:
        """An endpoint of the control plane: without token, faults and rate limits."""

        async def answer(request: Request) -> Response:
            try:
                response = handler(Call(request, await request.body()))
            except ApiError as error:
                response = _error_response(error)
            return self._finish(request, template, response)

        return answer

    async def no_route(self, request: Request, error: Exception) -> Response:
        """Starlette's 404 and 405 in HubSpot's format."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        phrase = str(error.detail) if isinstance(error, HTTPException) else "internal error"
        answer = errors.not_found() if status == 404 else ApiError(status, phrase)
        return self._finish(request, UNKNOWN_ROUTE, _error_response(answer))

    async def failed(self, request: Request, _: Exception) -> Response:
        """A bug of the sandbox: the response has no trace; uvicorn logs it."""
        return self._finish(request, UNKNOWN_ROUTE, _error_response(ApiError(500, "internal error")))

    def call_counts(self) -> Mapping[str, Any]:
        """Calls by `METHOD template`, then by status."""
        counts: dict[str, dict[str, int]] = {}
        for (method, template, status), count in sorted(self.calls.items()):
            counts.setdefault(f"{method} {template}", {})[str(status)] = count
        return counts

    def _respond(self, call: Call, template: str, handler: Handler, requirements: RouteRequirements) -> Response:
        limit_headers: Mapping[str, str] = {}
        try:
            self._authenticate(call.request, requirements)
            faulty = self._fault_before_execution(call)
            if faulty is not None:
                return faulty
            exceeded = self._limits.take(requirements.policy)
            limit_headers = self._limits.headers(requirements.policy, exceeded)
            if exceeded:
                refusal = LIMIT_ERRORS[exceeded]()
                raise refusal
            self._authorize(call, requirements)
            response = self._fault_after_execution(call, template, handler(call))
        except ApiError as error:
            response = _error_response(error)
        response.headers.update(limit_headers)
        return response

    def _authenticate(self, request: Request, requirements: RouteRequirements) -> None:
        """A revoked token is refused by the token-info route too, which gets it in its body."""
        given = request.headers.get("authorization", "").encode()
        right = hmac.compare_digest(given, f"Bearer {self._config.token}".encode())
        if requirements.token and (self._config.token_revoked or not right):
            raise errors.unauthenticated()

    def _authorize(self, call: Call, requirements: RouteRequirements) -> None:
        missing = set(requirements.scopes(call)).intersection(self._config.missing_scopes)
        if missing:
            raise errors.missing_scopes(sorted(missing))

    def _fault_before_execution(self, call: Call) -> Response | None:
        """The response of a fault that prevents the request from being carried out."""
        for fault in self._faults.due(call.request.method, call.target, BEFORE_EXECUTION):
            fault.applied += 1
            if fault.kind in WITHOUT_RESPONSE:
                call.request.scope[FAULT] = fault
                return Response()
            response = _error_response(ERRORS[fault.kind](fault))
            response.headers.update(retry_headers(fault))
            return response
        return None

    def _fault_after_execution(self, call: Call, template: str, response: Response) -> Response:
        """The response, as altered by a fault; a fault that cannot apply to it stays due."""
        previous = self.previous_pages.replace((call.request.method, template), bytes(response.body))
        for fault in self._faults.due(call.request.method, call.target, AFTER_EXECUTION):
            if fault.kind in BROKEN_CONNECTIONS:
                call.request.scope[FAULT] = fault
            else:
                changed = altered(fault, call, response, previous)
                if changed is None:
                    continue
                response = changed
            fault.applied += 1
            break
        return response

    def _finish(self, request: Request, template: str, response: Response) -> Response:
        """`Date` follows the sandbox's clock, because a sync measures its windows by it."""
        response.headers.setdefault("X-HubSpot-Correlation-Id", str(uuid.uuid4()))
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        self.calls[request.method, template, response.status_code] += 1
        return response


def _error_response(error: ApiError) -> Response:
    if error.page is not None:
        return HTMLResponse(error.page, error.status)
    correlation_id = str(uuid.uuid4())
    response = json_response(error.body(correlation_id), error.status)
    response.headers["X-HubSpot-Correlation-Id"] = correlation_id
    return response
