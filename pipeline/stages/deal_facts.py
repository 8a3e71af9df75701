"""A deal's properties, parsed once for the rules; a value that cannot be parsed is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from crm.catalog import Catalog
from crm.records import parse_instant, parse_number
from crm.responses import DealPipeline, DealStage, Owner, PropertyDefinition
from pipeline.stages.account_days import AccountDays, load_days


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """`pipeline`, `stage`, `owner` and `currencies` are HubSpot's own definitions; None where HubSpot has none."""

    properties: Mapping[str, str | None]
    pipeline: DealPipeline | None
    stage: DealStage | None
    owner: Owner | None
    currencies: PropertyDefinition | None
    now: datetime
    days: AccountDays

    def text(self, name: str) -> str | None:
        """Without surrounding spaces; None when nothing is left."""
        return (self.properties.get(name) or "").strip() or None

    def number(self, name: str) -> Decimal | None:
        return number_or_none(self.text(name))

    def instant(self, name: str) -> datetime | None:
        return instant_or_none(self.text(name))

    def day(self, name: str) -> date | None:
        """The account's day of that value."""
        return self.days.of_value_or_none(name, self.text(name))

    @property
    def today(self) -> date:
        """The account's day of `now`."""
        return self.days.of(self.now)

    @property
    def is_open(self) -> bool:
        """False for a closed deal, and for one whose stage is unknown: it may be either."""
        return self.stage is not None and not self.stage.is_closed

    @property
    def has_owner(self) -> bool:
        """False when the owner is deactivated."""
        return self.owner is not None and not self.owner.archived

    @property
    def is_won(self) -> bool:
        return self.stage is not None and self.stage.is_won

    @property
    def is_lost(self) -> bool:
        return self.stage is not None and self.stage.is_lost


async def load_facts(properties: Mapping[str, str | None], catalog: Catalog, now: datetime) -> DealFacts:
    """Look up the pipeline, stage and owner that the properties name, and the account's currencies."""
    pipeline, stage = properties.get("pipeline"), properties.get("dealstage")
    owner = properties.get("hubspot_owner_id")
    return DealFacts(
        properties=properties,
        pipeline=await catalog.pipeline(pipeline) if pipeline else None,
        stage=await catalog.stage(pipeline, stage) if pipeline and stage else None,
        owner=await catalog.owner(owner) if owner else None,
        currencies=await catalog.property("deal_currency_code"),
        now=now,
        days=await load_days(catalog),
    )


def number_or_none(text: str | None) -> Decimal | None:
    try:
        return parse_number(text) if text else None
    except ValueError:
        return None


def instant_or_none(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None
