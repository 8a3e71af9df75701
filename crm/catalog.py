"""What an account is made of, kept for a while: owners, pipelines, properties, validation rules."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from core.clock import Clock
from crm import paths
from crm.client import HubSpot
from crm.responses import DealPipeline, DealStage, Owner, PropertyDefinition, ValidationRule

PEOPLE_SECONDS = 10 * 60.0
SCHEMA_SECONDS = 24 * 60 * 60.0
# An owner or stage that is not known may be a minute old; one that never was must not cost a call each time.
MISS_SECONDS = 60.0

Value = TypeVar("Value")


class Cached(Generic[Value]):
    """One value, loaded when it is first asked for and again when it is older than `seconds`."""

    def __init__(self, load: Callable[[], Awaitable[Value]], seconds: float, clock: Clock) -> None:
        self._load = load
        self._seconds = seconds
        self._clock = clock
        self._value: tuple[Value, float] | None = None
        self._loading: asyncio.Task[Value] | None = None

    async def get(self, *, at_most_seconds: float | None = None) -> Value:
        """However many ask at once, one of them loads; if that fails, all of them fail with its CrmError."""
        limit = self._seconds if at_most_seconds is None else at_most_seconds
        if self._value is not None and self._clock.monotonic() - self._value[1] < limit:
            return self._value[0]
        if self._loading is None:
            self._loading = asyncio.create_task(self._reload())
            self._loading.add_done_callback(self._loaded)
        # Whoever stops waiting must not stop the others.
        return await asyncio.shield(self._loading)

    async def _reload(self) -> Value:
        value = await self._load()
        self._value = (value, self._clock.monotonic())
        return value

    def _loaded(self, task: "asyncio.Task[Value]") -> None:
        self._loading = None
        if not task.cancelled():
            # Nobody may be waiting any more; asyncio would log an error that nobody has fetched.
            task.exception()


class Catalog:
    """One per process, shared by everything in it. Every method raises CrmError when HubSpot cannot be read."""

    def __init__(self, client: HubSpot, clock: Clock) -> None:
        self._client = client
        self._owners = Cached(self._load_owners, PEOPLE_SECONDS, clock)
        self._pipelines = Cached(self._load_pipelines, PEOPLE_SECONDS, clock)
        self._properties = Cached(self._load_properties, SCHEMA_SECONDS, clock)
        self._rules = Cached(self._load_rules, SCHEMA_SECONDS, clock)

    async def owner(self, identifier: str) -> Owner | None:
        """Active or deactivated; None when HubSpot has no such owner."""
        return await _lookup(self._owners, identifier)

    async def owner_name(self, identifier: str) -> str | None:
        owner = await self.owner(identifier)
        return owner.name if owner else None

    async def pipeline(self, identifier: str) -> DealPipeline | None:
        return await _lookup(self._pipelines, identifier)

    async def stage(self, pipeline: str, stage: str) -> DealStage | None:
        """None when the pipeline is not known or has no such stage."""
        found = _stage(await self.pipeline(pipeline), stage)
        if found is None:
            found = _stage((await self._pipelines.get(at_most_seconds=MISS_SECONDS)).get(pipeline), stage)
        return found

    async def property(self, name: str) -> PropertyDefinition | None:
        """The definition of a deal's property; None when the account has no such property."""
        return (await self._properties.get()).get(name)

    async def validation_rules(self) -> Mapping[str, list[ValidationRule]]:
        """The admins' rules for deals, by property."""
        return await self._rules.get()

    async def _load_owners(self) -> Mapping[str, Owner]:
        return {owner.id: owner for owner in await self._client.owners()}

    async def _load_pipelines(self) -> Mapping[str, DealPipeline]:
        return {pipeline.id: pipeline for pipeline in await self._client.pipelines()}

    async def _load_properties(self) -> Mapping[str, PropertyDefinition]:
        return {definition.name: definition for definition in await self._client.properties(paths.DEALS)}

    async def _load_rules(self) -> Mapping[str, list[ValidationRule]]:
        rules = await self._client.property_validations(paths.DEALS)
        return {entry.property_name: entry.property_validation_rules for entry in rules}


async def _lookup(kept: Cached[Mapping[str, Value]], key: str) -> Value | None:
    """The entry of that key; what is not there may be new, so a fresher copy is asked then."""
    found = (await kept.get()).get(key)
    return (await kept.get(at_most_seconds=MISS_SECONDS)).get(key) if found is None else found


def _stage(pipeline: DealPipeline | None, identifier: str) -> DealStage | None:
    return next((stage for stage in pipeline.stages if stage.id == identifier), None) if pipeline else None
