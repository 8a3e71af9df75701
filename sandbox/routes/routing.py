"""Which path and method lead to which handler, and what each route requires.

Both path families of HubSpot lead to the same handlers.
"""

import re
from collections.abc import Iterator

from starlette.responses import Response
from starlette.routing import Route

from sandbox.account.account import Account
from sandbox.http import errors, scopes
from sandbox.http.call import Call
from sandbox.http.rate_limits import Policy
from sandbox.routes import owners, pipelines, property_validations
from sandbox.routes.account_control import AccountControlRoutes
from sandbox.routes.account_info import AccountInfoRoutes
from sandbox.routes.association_writes import AssociationWriteRoutes
from sandbox.routes.associations import AssociationReadRoutes
from sandbox.routes.batches import BatchRoutes
from sandbox.routes.endpoints import Endpoints, Handler, RouteRequirements
from sandbox.routes.objects import ObjectRoutes
from sandbox.routes.properties import PropertyRoutes
from sandbox.routes.simulation_control import SimulationControlRoutes

# `2026-09`, `2027-03-beta`: every date-versioned API is the same here.
_VERSION = re.compile(r"\d{4}-\d{2}(-beta)?")

# Method, path below the prefix of the family, handler, requirements.
RouteSpec = tuple[str, str, Handler, RouteRequirements]

READS, WRITES = RouteRequirements(scopes=scopes.reads), RouteRequirements(scopes=scopes.writes)
SEARCHES = RouteRequirements(Policy.SEARCH, scopes.reads)
READS_SCHEMA = RouteRequirements(scopes=scopes.reads_schema)
WRITES_SCHEMA = RouteRequirements(scopes=scopes.writes_schema)
READS_ASSOCIATIONS_OF_ONE = RouteRequirements(scopes=scopes.reads_associations_of_one)
READS_ASSOCIATIONS = RouteRequirements(Policy.EXEMPT, scopes.reads_associations)
WRITES_ASSOCIATIONS = RouteRequirements(Policy.EXEMPT, scopes.writes_associations)
READS_OWNERS = RouteRequirements(scopes=scopes.reads_owners)
READS_ACCOUNT = RouteRequirements()
# The token is in the body.
READS_TOKEN_INFO = RouteRequirements(Policy.EXEMPT, token=False)


def hubspot_routes(account: Account, endpoints: Endpoints, account_info: AccountInfoRoutes) -> Iterator[Route]:
    families: tuple[tuple[tuple[str, ...], tuple[RouteSpec, ...]], ...] = (
        (("/crm/objects/{version}", "/crm/v3/objects", "/crm/v4/objects"), _object_routes(account)),
        (("/crm/associations/{version}", "/crm/v4/associations"), _association_routes(account)),
        (("/crm/owners/{version}", "/crm/v3/owners"), _OWNER_ROUTES),
        (("/crm/pipelines/{version}", "/crm/v3/pipelines"), _PIPELINE_ROUTES),
        (("/crm/properties/{version}", "/crm/v3/properties"), _property_routes(account)),
        (("/crm/property-validations/{version}", "/crm/v3/property-validations"), _VALIDATION_ROUTES),
        (
            ("/account-info/{version}", "/account-info/v3"),
            (
                ("GET", "/details", account_info.details, READS_ACCOUNT),
                ("GET", "/api-usage/daily/private-apps", account_info.daily_usage, READS_ACCOUNT),
            ),
        ),
        (
            ("/oauth/v2/private-apps",),
            (("POST", "/get/access-token-info", account_info.token_info, READS_TOKEN_INFO),),
        ),
    )
    for prefixes, specs in families:
        for prefix in sorted(prefixes):
            for method, suffix, handler, requirements in specs:
                template = prefix + suffix
                endpoint = endpoints.hubspot(template, _with_version_check(handler), requirements)
                yield Route(template, endpoint, methods=[method])


def control_routes(
    account: AccountControlRoutes, simulation: SimulationControlRoutes, endpoints: Endpoints
) -> Iterator[Route]:
    for method, path, handler in (
        ("GET", "/healthz", account.health),
        ("GET", "/_sim/truth", account.truth),
        ("GET", "/_sim/stats", account.stats),
        ("POST", "/_sim/mutate", account.mutate),
        ("POST", "/_sim/lively", account.set_background_edits),
        ("GET", "/_sim/config", simulation.read_config),
        ("POST", "/_sim/config", simulation.change_config),
        ("GET", "/_sim/clock", simulation.read_clock),
        ("POST", "/_sim/clock", simulation.change_clock),
        ("GET", "/_sim/fault", simulation.list_faults),
        ("POST", "/_sim/fault", simulation.add_fault),
        ("DELETE", "/_sim/fault", simulation.clear_faults),
        ("POST", "/_sim/snapshot", simulation.take_snapshot),
        ("POST", "/_sim/restore", simulation.restore_snapshot),
        ("GET", "/_sim/journal", simulation.journal),
    ):
        yield Route(path, endpoints.control(path, handler), methods=[method])


def _object_routes(account: Account) -> tuple[RouteSpec, ...]:
    objects, batches = ObjectRoutes(account), BatchRoutes(account)
    associations, association_writes = AssociationReadRoutes(account), AssociationWriteRoutes(account)
    return (
        ("GET", "/{type}", objects.list_page, READS),
        ("POST", "/{type}", objects.create, WRITES),
        ("POST", "/{type}/search", objects.search, SEARCHES),
        ("POST", "/{type}/merge", objects.merge, WRITES),
        ("POST", "/{type}/batch/read", batches.read, READS),
        ("POST", "/{type}/batch/create", batches.create, WRITES),
        ("POST", "/{type}/batch/update", batches.update, WRITES),
        ("POST", "/{type}/batch/upsert", batches.upsert, WRITES),
        ("POST", "/{type}/batch/archive", batches.archive, WRITES),
        ("GET", "/{type}/{id}/associations/{target}", associations.of_record, READS_ASSOCIATIONS_OF_ONE),
        (
            "PUT",
            "/{type}/{id}/associations/default/{target}/{target_id}",
            association_writes.set_default,
            WRITES,
        ),
        ("GET", "/{type}/{id}", objects.read_one, READS),
        ("PATCH", "/{type}/{id}", objects.update, WRITES),
        ("DELETE", "/{type}/{id}", objects.archive, WRITES),
    )


def _association_routes(account: Account) -> tuple[RouteSpec, ...]:
    reads, writes = AssociationReadRoutes(account), AssociationWriteRoutes(account)
    return (
        ("POST", "/{source}/{target}/batch/read", reads.batch_read, READS_ASSOCIATIONS),
        ("POST", "/{source}/{target}/batch/create", writes.create, WRITES_ASSOCIATIONS),
        ("POST", "/{source}/{target}/batch/associate/default", writes.create_default, WRITES_ASSOCIATIONS),
        ("POST", "/{source}/{target}/batch/archive", writes.archive, WRITES_ASSOCIATIONS),
    )


_OWNER_ROUTES: tuple[RouteSpec, ...] = (
    ("GET", "", owners.list_owners, READS_OWNERS),
    ("GET", "/", owners.list_owners, READS_OWNERS),
    ("GET", "/{id}", owners.read_owner, READS_OWNERS),
)
_PIPELINE_ROUTES: tuple[RouteSpec, ...] = (
    ("GET", "/{type}", pipelines.list_pipelines, READS_SCHEMA),
    ("GET", "/{type}/{id}", pipelines.read_pipeline, READS_SCHEMA),
    ("GET", "/{type}/{id}/stages", pipelines.list_stages, READS_SCHEMA),
)
_VALIDATION_ROUTES: tuple[RouteSpec, ...] = (
    ("GET", "/{type}", property_validations.list_validations, READS_SCHEMA),
    ("GET", "/{type}/{name}", property_validations.read_validation, READS_SCHEMA),
)


def _property_routes(account: Account) -> tuple[RouteSpec, ...]:
    properties = PropertyRoutes(account)
    return (
        ("GET", "/{type}", properties.list_all, READS_SCHEMA),
        ("POST", "/{type}", properties.create, WRITES_SCHEMA),
        ("POST", "/{type}/batch/create", properties.batch_create, WRITES_SCHEMA),
        ("GET", "/{type}/groups", properties.groups, READS_SCHEMA),
        ("POST", "/{type}/groups", properties.create_group, WRITES_SCHEMA),
        ("GET", "/{type}/{name}", properties.read_one, READS_SCHEMA),
        ("DELETE", "/{type}/{name}", properties.archive, WRITES_SCHEMA),
    )


def _with_version_check(handler: Handler) -> Handler:
    """404 for a path whose version is not a date; every date is accepted."""

    def answer(call: Call) -> Response:
        version = call.request.path_params.get("version")
        if version is not None and not _VERSION.fullmatch(version):
            raise errors.not_found()
        return handler(call)

    return answer
