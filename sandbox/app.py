"""Where the routes hang: both of HubSpot's path families lead to the same handlers."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from core.clock import Clock
from sandbox import SANDBOX_TOKEN, errors
from sandbox.activity import Activity
from sandbox.call import Call
from sandbox.deal_maker import DealMaker
from sandbox.edge import Edge, Handler
from sandbox.limits import Limits, Policy, Rates
from sandbox.lively import Lively, Pace
from sandbox.routes import catalog
from sandbox.routes.associations import Associations
from sandbox.routes.control import Control
from sandbox.routes.objects import Objects
from sandbox.world import World, seeded

# `2026-09`, `2027-03-beta`: every date-versioned API is the same here.
_VERSION = re.compile(r"\d{4}-\d{2}(-beta)?")

Spec = tuple[str, str, Handler, Policy]


@dataclass(frozen=True, slots=True)
class Options:
    """How strict and how busy the account is."""

    token: str = SANDBOX_TOKEN
    rates: Rates = field(default_factory=Rates)
    pace: Pace = field(default_factory=Pace)
    lively: bool = True


def create_app(world: World, maker: DealMaker, clock: Clock, options: Options) -> Starlette:
    """The ASGI application over that world. Nothing runs before its lifespan starts."""
    edge = Edge(clock, options.token, Limits(options.rates, clock))
    activity = Activity(world, maker, seeded(world.seed, "activity"))
    lively = Lively(activity, options.pace, on=options.lively)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with lively.running():
            yield

    app = Starlette(
        routes=[*_hubspot_routes(world, edge), *_control_routes(Control(world, activity, lively, edge), edge)],
        exception_handlers={HTTPException: edge.no_route, Exception: edge.failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _hubspot_routes(world: World, edge: Edge) -> Iterator[Route]:
    families: tuple[tuple[tuple[str, ...], tuple[Spec, ...]], ...] = (
        (("/crm/objects/{version}", "/crm/v3/objects", "/crm/v4/objects"), _object_specs(world)),
        (("/crm/associations/{version}", "/crm/v4/associations"), _association_specs(world)),
        (("/crm/owners/{version}", "/crm/v3/owners"), _owner_specs()),
        (("/crm/pipelines/{version}", "/crm/v3/pipelines"), _pipeline_specs()),
        (("/crm/properties/{version}", "/crm/v3/properties"), _property_specs()),
        (("/crm/property-validations/{version}", "/crm/v3/property-validations"), _validation_specs()),
        (("/account-info/{version}", "/account-info/v3"), (("GET", "/details", catalog.account, Policy.BURST),)),
    )
    for prefixes, specs in families:
        for prefix in sorted(prefixes):
            for method, suffix, handler, policy in specs:
                template = prefix + suffix
                endpoint = edge.endpoint(template, _versioned(handler), policy)
                yield Route(template, endpoint, methods=[method])


def _object_specs(world: World) -> tuple[Spec, ...]:
    objects, associations = Objects(world), Associations(world)
    return (
        ("GET", "/{type}", objects.list_page, Policy.BURST),
        ("POST", "/{type}", objects.create, Policy.BURST),
        ("POST", "/{type}/search", objects.search, Policy.SEARCH),
        ("POST", "/{type}/batch/read", objects.batch_read, Policy.BURST),
        ("GET", "/{type}/{id}/associations/{target}", associations.of_record, Policy.BURST),
        ("GET", "/{type}/{id}", objects.read_one, Policy.BURST),
        ("PATCH", "/{type}/{id}", objects.change, Policy.BURST),
        ("DELETE", "/{type}/{id}", objects.archive, Policy.BURST),
    )


def _association_specs(world: World) -> tuple[Spec, ...]:
    return (("POST", "/{source}/{target}/batch/read", Associations(world).batch_read, Policy.EXEMPT),)


def _owner_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "", catalog.owners, Policy.BURST),
        ("GET", "/", catalog.owners, Policy.BURST),
        ("GET", "/{id}", catalog.owner, Policy.BURST),
    )


def _pipeline_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "/{type}", catalog.pipelines, Policy.BURST),
        ("GET", "/{type}/{id}", catalog.pipeline, Policy.BURST),
        ("GET", "/{type}/{id}/stages", catalog.stages, Policy.BURST),
    )


def _property_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "/{type}", catalog.properties, Policy.BURST),
        ("GET", "/{type}/{name}", catalog.property_definition, Policy.BURST),
    )


def _validation_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "/{type}", catalog.validations, Policy.BURST),
        ("GET", "/{type}/{name}", catalog.validation, Policy.BURST),
    )


def _control_routes(control: Control, edge: Edge) -> Iterator[Route]:
    for method, path, handler in (
        ("GET", "/healthz", control.health),
        ("GET", "/_sim/truth", control.truth),
        ("GET", "/_sim/stats", control.stats),
        ("POST", "/_sim/mutate", control.mutate),
        ("POST", "/_sim/lively", control.lively),
    ):
        yield Route(path, edge.open_endpoint(path, handler), methods=[method])


def _versioned(handler: Handler) -> Handler:
    """A version in the path must be one; any date will do."""

    def answer(call: Call) -> Response:
        version = call.request.path_params.get("version")
        if version is not None and not _VERSION.fullmatch(version):
            raise errors.not_found()
        return handler(call)

    return answer
