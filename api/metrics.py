"""/metrics for Prometheus: request counts and durations."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One label for every path that is not a route: a caller must not be able to create new labels.
PAGE = "page"
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
# Seconds. A page of the queue takes about 0.01; the deadline is 10.
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Has its own registry, so that two applications in one process count separately."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "deal_queue_http_requests", "Responses.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "deal_queue_http_request_seconds",
            "Time to the end of the response.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    async def show(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class MetricsMiddleware:
    """Counts each response and its duration."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, routes: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            route = scope["path"] if scope["path"] in self._routes else PAGE
            self._metrics.count(scope["method"], route, status, time.perf_counter() - started)
