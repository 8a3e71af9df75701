"""The sandbox's composition: one world, one clock, and the routes over them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from sandbox import SANDBOX_TOKEN
from sandbox.account.account import World, seeded
from sandbox.account.background_edits import Lively, Pace
from sandbox.account.clock import SandboxClock
from sandbox.account.deal_maker import DealMaker
from sandbox.account.mutations import Mutations
from sandbox.account.object_types import TYPES
from sandbox.account.simulated_users import Activity
from sandbox.account.snapshots import Snapshots
from sandbox.config import Config
from sandbox.faults.plan import Plan
from sandbox.faults.transport import Wire
from sandbox.http.endpoints import Edge
from sandbox.http.journal import Journal
from sandbox.http.rate_limits import Limits, Rates
from sandbox.routes.account_control import Control
from sandbox.routes.account_info import AccountRoutes
from sandbox.routes.routing import hubspot_routes
from sandbox.routes.simulation_control import Laboratory


@dataclass(frozen=True, slots=True)
class Options:
    """How strict and how busy the account is at the start."""

    token: str = SANDBOX_TOKEN
    rates: Rates = field(default_factory=Rates)
    pace: Pace = field(default_factory=Pace)
    lively: bool = True

    def config(self) -> Config:
        return Config(token=self.token, burst=self.rates.burst, search_per_second=self.rates.search_per_second)


def create_app(world: World, maker: DealMaker, clock: SandboxClock, options: Options) -> Starlette:
    """The ASGI application over that world. Nothing runs before its lifespan starts."""
    limits, plan, journal = Limits(world.config, clock), Plan(), Journal(clock)
    edge = Edge(clock, world.config, limits, plan)
    activity = Activity(world, maker, seeded(world.seed, "activity"))
    lively = Lively(activity, options.pace, clock, on=options.lively)
    control = Control(world, Mutations(world, activity), lively, edge, plan, journal)
    snapshots = Snapshots((*world.parts, *maker.parts, activity, edge.former), (*TYPES, world.config), clock)
    laboratory = Laboratory(world.config, clock, plan, snapshots, journal)
    account = AccountRoutes(world.config, limits, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with lively.running():
            yield

    app = Starlette(
        routes=[*hubspot_routes(world, edge, account), *_control_routes(control, laboratory, edge)],
        middleware=[Middleware(Wire, journal)],
        exception_handlers={HTTPException: edge.no_route, Exception: edge.failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _control_routes(control: Control, laboratory: Laboratory, edge: Edge) -> Iterator[Route]:
    for method, path, handler in (
        ("GET", "/healthz", control.health),
        ("GET", "/_sim/truth", control.truth),
        ("GET", "/_sim/stats", control.stats),
        ("POST", "/_sim/mutate", control.mutate),
        ("POST", "/_sim/lively", control.lively),
        ("GET", "/_sim/config", laboratory.config),
        ("POST", "/_sim/config", laboratory.configure),
        ("GET", "/_sim/clock", laboratory.time),
        ("POST", "/_sim/clock", laboratory.turn_clock),
        ("GET", "/_sim/fault", laboratory.faults),
        ("POST", "/_sim/fault", laboratory.add_fault),
        ("DELETE", "/_sim/fault", laboratory.clear_faults),
        ("POST", "/_sim/snapshot", laboratory.take_snapshot),
        ("POST", "/_sim/restore", laboratory.restore_snapshot),
        ("GET", "/_sim/journal", laboratory.journal),
    ):
        yield Route(path, edge.open_endpoint(path, handler), methods=[method])
