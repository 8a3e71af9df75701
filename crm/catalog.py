"""The account's owners, pipelines, properties, validation rules and time zone, cached."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo
from typing import Generic, TypeVar

import structlog

from core.clock import Clock
from crm import paths
from crm.account import AccountZone
from crm.client import HubSpot
from crm.properties import PROPERTIES
from crm.responses import DealPipeline, DealStage, Owner, PropertyDefinition, ValidationRule

log = structlog.get_logger()

OWNERS_SECONDS = 10 * 60.0
SCHEMA_SECONDS = 24 * 60 * 60.0
# A missing owner or stage may be new, so the cache is then reloaded; at most this often, because it may not exist.
MISS_SECONDS = 60.0

Value = TypeVar("Value")


class Cached(Generic[Value]):
    """One value, loaded when it is first requested and again when it is older than `seconds`."""

    def __init__(self, load: Callable[[], Awaitable[Value]], seconds: float, clock: Clock) -> None:
        self._load = load
        self._seconds = seconds
        self._clock = clock
        self._value: tuple[Value, float] | None = None
        self._loading: asyncio.Task[Value] | None = None

    async def get(self, *, at_most_seconds: float | None = None) -> Value:
        """Simultaneous callers share one load; if it fails, all of them get its CrmError."""
        limit = self._seconds if at_most_seconds is None else at_most_seconds
        if self._value is not None and self._clock.monotonic() - self._value[1] < limit:
            return self._value[0]
        if self._loading is None:
            self._loading = asyncio.create_task(self._reload())
            self._loading.add_done_callback(self._loaded)
        # A cancelled caller must not cancel the load that others wait for.
        return await asyncio.shield(self._loading)

    async def _reload(self) -> Value:
        value = await self._load()
        self._value = (value, self._clock.monotonic())
        return value

    def _loaded(self, task: "asyncio.Task[Value]") -> None:
        self._loading = None
        if not task.cancelled():
            # When no caller waits any more, asyncio would log an exception that was never retrieved.
            task.exception()


class Catalog:
    """One per process. Every method raises CrmError when HubSpot cannot be read."""

    def __init__(self, client: HubSpot, clock: Clock) -> None:
        self._client = client
        self._owners = Cached(self._load_owners, OWNERS_SECONDS, clock)
        self._pipelines = Cached(self._load_pipelines, OWNERS_SECONDS, clock)
        self._properties = Cached(self._load_properties, SCHEMA_SECONDS, clock)
        self._rules = Cached(self._load_rules, SCHEMA_SECONDS, clock)
        self._zone = Cached(self._load_zone, SCHEMA_SECONDS, clock)
        self._logged_problem: str | None = None

    async def owner(self, identifier: str) -> Owner | None:
        """Active or deactivated; None when HubSpot has no such owner."""
        return await _lookup(self._owners, identifier)

    async def owner_name(self, identifier: str) -> str | None:
        owner = await self.owner(identifier)
        return owner.name if owner else None

    async def pipeline(self, identifier: str) -> DealPipeline | None:
        return await _lookup(self._pipelines, identifier)

    async def stage(self, pipeline: str, stage: str) -> DealStage | None:
        """None when there is no such pipeline, or no such stage in it."""
        found = _stage(await self.pipeline(pipeline), stage)
        if found is None:
            found = _stage((await self._pipelines.get(at_most_seconds=MISS_SECONDS)).get(pipeline), stage)
        return found

    async def property(self, name: str) -> PropertyDefinition | None:
        """The definition of a deal's property; None when the account has no such property."""
        return (await self._properties.get()).get(name)

    async def validation_rules(self) -> Mapping[str, list[ValidationRule]]:
        """The admins' validation rules for deals, by property."""
        return await self._rules.get()

    async def date_properties(self) -> frozenset[str]:
        """Of the deals' properties that are read, those that hold a day; all others with a time hold an instant."""
        known = await self._properties.get()
        return frozenset(name for name in PROPERTIES if name in known and known[name].type == "date")

    async def time_zone(self) -> tzinfo:
        """The account's; UTC, which the log says once, when HubSpot does not report one that is known."""
        found = await self._zone.get()
        if found.problem:
            found = await self._zone.get(at_most_seconds=OWNERS_SECONDS)
        return found.zone

    async def _load_owners(self) -> Mapping[str, Owner]:
        return {owner.id: owner for owner in await self._client.owners()}

    async def _load_pipelines(self) -> Mapping[str, DealPipeline]:
        return {pipeline.id: pipeline for pipeline in await self._client.pipelines()}

    async def _load_properties(self) -> Mapping[str, PropertyDefinition]:
        return {definition.name: definition for definition in await self._client.properties(paths.DEALS)}

    async def _load_zone(self) -> AccountZone:
        found = await self._client.account_zone()
        if found.problem and found.problem != self._logged_problem:
            log.warning("account.time_zone_unknown", problem=found.problem)
        self._logged_problem = found.problem
        return found

    async def _load_rules(self) -> Mapping[str, list[ValidationRule]]:
        rules = await self._client.property_validations(paths.DEALS)
        return {entry.property_name: entry.property_validation_rules for entry in rules}


async def _lookup(cached: Cached[Mapping[str, Value]], key: str) -> Value | None:
    """The entry of that key, from a newer copy when it is missing in this one."""
    found = (await cached.get()).get(key)
    return (await cached.get(at_most_seconds=MISS_SECONDS)).get(key) if found is None else found


def _stage(pipeline: DealPipeline | None, identifier: str) -> DealStage | None:
    return next((stage for stage in pipeline.stages if stage.id == identifier), None) if pipeline else None
