"""What every scheduled job may use; built once by scheduler/__main__.py."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.clock import Clock, SystemClock
from core.database import Database
from core.settings import Settings
from crm.catalog import Catalog
from crm.client import HubSpot
from models import SyncKind
from pipeline.runs.store import RunStore
from scheduler.gate import Gate


def _turns() -> Mapping[SyncKind, asyncio.Lock]:
    return {kind: asyncio.Lock() for kind in SyncKind}


def _nobody_waits() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    settings: Settings
    database: Database
    crm: HubSpot
    catalog: Catalog
    clock: Clock
    # [{"key", "label"}, ...] as JSON: what a new run's stages are frozen to.
    stages: str
    # Under which this scheduler leads; check_fence refuses 0.
    fence: int = 0
    # A job that takes long calls it whenever it has come further, and is not taken for one that hangs.
    progress: Callable[[], None] = _nobody_waits
    # Syncs of one kind take turns: their cursor is one.
    turns: Mapping[SyncKind, asyncio.Lock] = field(default_factory=_turns)
    gate: Gate = field(default_factory=lambda: Gate(SystemClock()))

    @property
    def runs(self) -> RunStore:
        return RunStore(self.database, lease_seconds=self.settings.lease_seconds)
