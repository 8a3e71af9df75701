"""What every scheduled job may use; built once by scheduler/__main__.py."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import Clock, SystemClock
from core.database import Database
from core.settings import Settings
from crm.catalog import Catalog
from crm.client import HubSpot
from models import SyncKind
from models.stages import StageNames
from pipeline.runs.store import RunStore
from scheduler.sync.cooldown import Cooldown


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    settings: Settings
    database: Database
    crm: HubSpot
    catalog: Catalog
    clock: Clock
    # What a new run is frozen to.
    stages: StageNames
    # The deal's properties that a rule of the rules file reads.
    read_by_rules: tuple[str, ...] = ()
    # Under which this scheduler leads; check_fence refuses 0.
    fence: int = 0
    # A long job calls it after each piece of progress, so that the runtime does not cancel it as hanging.
    report_progress: Callable[[], None] = lambda: None
    # Syncs of one kind run one at a time: they share a cursor.
    sync_locks: Mapping[SyncKind, asyncio.Lock] = field(
        default_factory=lambda: {kind: asyncio.Lock() for kind in SyncKind}
    )
    # How far the checks of all waiting runs have come (pipeline/runs/base.py).
    positions: MutableMapping[str, Any] = field(default_factory=dict)
    cooldown: Cooldown = field(default_factory=lambda: Cooldown(SystemClock()))
    # While it is active, HubSpot is not asked for the rules of the account's admins.
    rules_unknown: Cooldown = field(default_factory=lambda: Cooldown(SystemClock()))

    @property
    def runs(self) -> RunStore:
        return RunStore(self.database, lease_seconds=self.settings.lease_seconds, positions=self.positions)
