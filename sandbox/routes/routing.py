"""Where HubSpot's routes hang: both path families lead to the same handlers, with what each route asks for."""

import re
from collections.abc import Iterator

from starlette.responses import Response
from starlette.routing import Route

from sandbox.account.account import World
from sandbox.http import errors, scopes
from sandbox.http.call import Call
from sandbox.http.endpoints import Edge, Handler, Rules
from sandbox.http.rate_limits import Policy
from sandbox.routes import catalog
from sandbox.routes.account_info import AccountRoutes
from sandbox.routes.association_writes import AssociationWrites
from sandbox.routes.associations import Associations
from sandbox.routes.batches import Batches
from sandbox.routes.objects import Objects
from sandbox.routes.properties import PropertyRoutes

# `2026-09`, `2027-03-beta`: every date-versioned API is the same here.
_VERSION = re.compile(r"\d{4}-\d{2}(-beta)?")

Spec = tuple[str, str, Handler, Rules]

READS, WRITES = Rules(scopes=scopes.reads), Rules(scopes=scopes.writes)
SEARCHES = Rules(Policy.SEARCH, scopes.reads)
READS_SCHEMA, WRITES_SCHEMA = Rules(scopes=scopes.reads_schema), Rules(scopes=scopes.writes_schema)
READS_LINKED = Rules(scopes=scopes.reads_linked)
READS_LINKS = Rules(Policy.EXEMPT, scopes.reads_links)
WRITES_LINKS = Rules(Policy.EXEMPT, scopes.writes_links)
READS_OWNERS = Rules(scopes=scopes.owners)
READS_ACCOUNT = Rules()
# The token stands in the body.
TELLS_OF_TOKEN = Rules(Policy.EXEMPT, token=False)


def hubspot_routes(world: World, edge: Edge, account: AccountRoutes) -> Iterator[Route]:
    families: tuple[tuple[tuple[str, ...], tuple[Spec, ...]], ...] = (
        (("/crm/objects/{version}", "/crm/v3/objects", "/crm/v4/objects"), _object_specs(world)),
        (("/crm/associations/{version}", "/crm/v4/associations"), _association_specs(world)),
        (("/crm/owners/{version}", "/crm/v3/owners"), _owner_specs()),
        (("/crm/pipelines/{version}", "/crm/v3/pipelines"), _pipeline_specs()),
        (("/crm/properties/{version}", "/crm/v3/properties"), _property_specs(world)),
        (("/crm/property-validations/{version}", "/crm/v3/property-validations"), _validation_specs()),
        (("/account-info/{version}", "/account-info/v3"), _account_specs(account)),
        (("/oauth/v2/private-apps",), (("POST", "/get/access-token-info", account.token_info, TELLS_OF_TOKEN),)),
    )
    for prefixes, specs in families:
        for prefix in sorted(prefixes):
            for method, suffix, handler, rules in specs:
                template = prefix + suffix
                yield Route(template, edge.endpoint(template, _versioned(handler), rules), methods=[method])


def _object_specs(world: World) -> tuple[Spec, ...]:
    objects, batches, associations = Objects(world), Batches(world), Associations(world)
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
        ("GET", "/{type}/{id}/associations/{target}", associations.of_record, READS_LINKED),
        (
            "PUT",
            "/{type}/{id}/associations/default/{target}/{target_id}",
            AssociationWrites(world).set_default,
            WRITES,
        ),
        ("GET", "/{type}/{id}", objects.read_one, READS),
        ("PATCH", "/{type}/{id}", objects.change, WRITES),
        ("DELETE", "/{type}/{id}", objects.archive, WRITES),
    )


def _association_specs(world: World) -> tuple[Spec, ...]:
    associations, writes = Associations(world), AssociationWrites(world)
    return (
        ("POST", "/{source}/{target}/batch/read", associations.batch_read, READS_LINKS),
        ("POST", "/{source}/{target}/batch/create", writes.create, WRITES_LINKS),
        ("POST", "/{source}/{target}/batch/associate/default", writes.create_default, WRITES_LINKS),
        ("POST", "/{source}/{target}/batch/archive", writes.archive, WRITES_LINKS),
    )


def _owner_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "", catalog.owners, READS_OWNERS),
        ("GET", "/", catalog.owners, READS_OWNERS),
        ("GET", "/{id}", catalog.owner, READS_OWNERS),
    )


def _pipeline_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "/{type}", catalog.pipelines, READS_SCHEMA),
        ("GET", "/{type}/{id}", catalog.pipeline, READS_SCHEMA),
        ("GET", "/{type}/{id}/stages", catalog.stages, READS_SCHEMA),
    )


def _property_specs(world: World) -> tuple[Spec, ...]:
    properties = PropertyRoutes(world)
    return (
        ("GET", "/{type}", properties.list_all, READS_SCHEMA),
        ("POST", "/{type}", properties.create, WRITES_SCHEMA),
        ("POST", "/{type}/batch/create", properties.batch_create, WRITES_SCHEMA),
        ("GET", "/{type}/groups", properties.groups, READS_SCHEMA),
        ("POST", "/{type}/groups", properties.create_group, WRITES_SCHEMA),
        ("GET", "/{type}/{name}", properties.read_one, READS_SCHEMA),
        ("DELETE", "/{type}/{name}", properties.archive, WRITES_SCHEMA),
    )


def _validation_specs() -> tuple[Spec, ...]:
    return (
        ("GET", "/{type}", catalog.validations, READS_SCHEMA),
        ("GET", "/{type}/{name}", catalog.validation, READS_SCHEMA),
    )


def _account_specs(account: AccountRoutes) -> tuple[Spec, ...]:
    return (
        ("GET", "/details", account.details, READS_ACCOUNT),
        ("GET", "/api-usage/daily/private-apps", account.daily_usage, READS_ACCOUNT),
    )


def _versioned(handler: Handler) -> Handler:
    """A version in the path must be one; any date will do."""

    def answer(call: Call) -> Response:
        version = call.request.path_params.get("version")
        if version is not None and not _VERSION.fullmatch(version):
            raise errors.not_found()
        return handler(call)

    return answer
