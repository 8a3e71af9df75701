"""The composition root of the API: every part is created here and passed in."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.graphql.route import GraphQLRoute
from api.health import Readiness, alive
from api.metrics import Metrics, MetricsMiddleware
from api.request_middleware import RequestMiddleware
from api.responses import GRAPHQL_PATH, error_response
from api.session.authenticator import GRAPHIQL_PATH, METRICS_PATH, Authenticator
from api.session.credentials import Credentials
from api.session.routes import SESSION_PATH, SessionRoutes
from api.session.sessions import Sessions
from api.session.throttle import Throttle
from api.session.tokens import Tokens
from api.static import WebClient
from core.database import Database
from core.settings import Settings
from migrations.head import HEAD_REVISION
from models.stages import StageNames
from pipeline.stages import STAGE_NAMES
from resolvers.context import RequestContext
from resolvers.viewer import Viewer
from schema.execution import create_schema

# Compresses a page of 50 deals from 66 kB to 5; a higher level costs more time than it saves.
GZIP_LEVEL = 5


def create_app(
    settings: Settings, database: Database, *, stages: StageNames = STAGE_NAMES, web_client: WebClient | None = None
) -> FastAPI:
    """The API on this database. Connects to nothing before the first request."""
    web_client = web_client or WebClient()
    metrics = Metrics()
    credentials = Credentials(
        Tokens.load(settings), Sessions(database), Throttle(), cookie=f"deal_queue_session_{settings.port}"
    )
    routes = _routes(settings, database, stages, credentials, metrics, web_client)
    app = FastAPI(
        title="Deal Queue",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        routes=list(routes),
        middleware=[
            Middleware(MetricsMiddleware, metrics=metrics, routes=frozenset(route.path for route in routes)),
            Middleware(RequestMiddleware),
            Middleware(GZipMiddleware, compresslevel=GZIP_LEVEL),
            Middleware(Authenticator, credentials=credentials),
        ],
        exception_handlers={HTTPException: _http_error},
    )
    # The default, not a route: a catch-all route would also answer a known path with a method that it does not allow.
    app.router.default = web_client
    return app


def _routes(
    settings: Settings,
    database: Database,
    stages: StageNames,
    credentials: Credentials,
    metrics: Metrics,
    web_client: WebClient,
) -> tuple[Route, ...]:
    def context_for(viewer: Viewer, request_id: str) -> RequestContext:
        return RequestContext(database, viewer, request_id, stages, settings.sync_interval)

    async def graphiql(request: Request) -> Response:
        return await web_client.graphiql(request.scope)

    session = SessionRoutes(credentials)
    return (
        Route(GRAPHQL_PATH, GraphQLRoute(create_schema(), context_for).run, methods=["POST"]),
        Route(GRAPHIQL_PATH, graphiql),
        Route(METRICS_PATH, metrics.show),
        Route(SESSION_PATH, session.show, methods=["GET"]),
        Route(SESSION_PATH, session.begin, methods=["POST"]),
        Route(SESSION_PATH, session.end, methods=["DELETE"]),
        Route("/healthz", alive),
        Route("/readyz", Readiness(database, revision=HEAD_REVISION).show),
    )


async def _http_error(request: Request, error: Exception) -> Response:
    """The router's own refusal: a method that the path does not allow."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    message = f"{request.scope['path']} does not allow {request.method}."
    return error_response(request.scope["path"], status, "METHOD_NOT_ALLOWED", message, headers=headers)
