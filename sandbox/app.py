"""The composition root: one account, one clock, and the routes over them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from sandbox import SANDBOX_TOKEN
from sandbox.account.account import Account, seeded
from sandbox.account.background_edits import BackgroundEdits, Pace
from sandbox.account.clock import SandboxClock
from sandbox.account.deal_maker import DealMaker
from sandbox.account.object_types import TYPES
from sandbox.account.simulated_users import SimulatedUsers
from sandbox.account.snapshots import Snapshots
from sandbox.config import Config
from sandbox.faults.plan import FaultPlan
from sandbox.faults.transport import ConnectionMiddleware
from sandbox.http.journal import Journal
from sandbox.http.rate_limits import RateLimits
from sandbox.routes.account_control import AccountControlRoutes
from sandbox.routes.account_info import AccountInfoRoutes
from sandbox.routes.endpoints import Endpoints
from sandbox.routes.mutations import Mutations
from sandbox.routes.routing import control_routes, hubspot_routes
from sandbox.routes.simulation_control import SimulationControlRoutes


@dataclass(frozen=True, slots=True)
class Options:
    """The token, the rate limits and the background edits that a sandbox starts with."""

    token: str = SANDBOX_TOKEN
    burst: int = 190
    search_per_second: int = 5
    pace: Pace = field(default_factory=Pace)
    lively: bool = True

    def config(self) -> Config:
        return Config(token=self.token, burst=self.burst, search_per_second=self.search_per_second)


def create_app(account: Account, maker: DealMaker, clock: SandboxClock, options: Options) -> Starlette:
    """The ASGI application. Background edits start with its lifespan."""
    limits, faults, journal = RateLimits(account.config, clock), FaultPlan(), Journal(clock)
    endpoints = Endpoints(clock, account.config, limits, faults)
    users = SimulatedUsers(account, maker, seeded(account.seed, "activity"))
    background_edits = BackgroundEdits(users, options.pace, clock, on=options.lively)
    stateful = (*account.stateful_parts, *maker.stateful_parts, users, endpoints.previous_pages)
    snapshots = Snapshots(stateful, (*TYPES, account.config), clock)
    mutations = Mutations(account, users)
    account_control = AccountControlRoutes(account, mutations, background_edits, endpoints, faults, journal)
    simulation_control = SimulationControlRoutes(account.config, clock, faults, snapshots, journal)
    account_info = AccountInfoRoutes(account.config, limits, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with background_edits.running():
            yield

    app = Starlette(
        routes=[
            *hubspot_routes(account, endpoints, account_info),
            *control_routes(account_control, simulation_control, endpoints),
        ],
        middleware=[Middleware(ConnectionMiddleware, journal)],
        exception_handlers={HTTPException: endpoints.no_route, Exception: endpoints.failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
