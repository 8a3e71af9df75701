"""What every scheduled job may use; built once by scheduler/__main__.py."""

from dataclasses import dataclass

from core.clock import Clock
from core.database import Database
from core.settings import Settings
from crm.catalog import Catalog
from crm.client import HubSpot


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    settings: Settings
    database: Database
    crm: HubSpot
    catalog: Catalog
    clock: Clock
    # [{"key", "label"}, ...] as JSON: what a new run's stages are frozen to.
    stages: str
