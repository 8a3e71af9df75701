"""The tables of the rules file, validated. No key has a default here: the shipped file holds every key."""

from decimal import Decimal
from typing import Annotated, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from crm.properties import PROPERTIES
from pipeline.rulebook.allowed_values import HandOffItem, Redactable, RuleName, Severity, SeverityOrOff

Percent = Annotated[float, Field(ge=0, le=100)]
Weight = Annotated[float, Field(ge=0, le=1_000)]
# A hundred years: many more would overflow dates, and every deal would fail.
DAYS = Field(le=36_500)
# One search is one call, of which the account has five a second; a batch read takes a hundred ids.
Searches = Annotated[int, Field(ge=0, le=10)]


def _check_is_read(name: str) -> str:
    if name not in PROPERTIES:
        raise ValueError(f"the deal property {name} is not read; allowed are {', '.join(PROPERTIES)}")
    return name


def _check_is_domain(name: str) -> str:
    if name != name.strip().lower() or "." not in name or "@" in name:
        raise ValueError(f"{name} is not a domain in lower case, such as gmail.com")
    return name


ReadProperty = Annotated[str, AfterValidator(_check_is_read)]
Domain = Annotated[str, AfterValidator(_check_is_domain)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Table):
    stalled_after_days: Annotated[PositiveInt, DAYS]
    long_in_stage_days: Annotated[PositiveInt, DAYS]
    slow_in_stage_times: Annotated[float, Field(ge=1, le=1_000)]
    slow_in_stage_at_least_days: Annotated[NonNegativeInt, DAYS]
    slow_in_stage_among: PositiveInt
    amount_may_differ: Annotated[Decimal, Field(ge=0)]


class Companies(Table):
    domains_searched: Searches
    free_mail: frozenset[Domain]


class Duplicates(Table):
    whole_name_at_least: Percent
    matter_at_least: Percent
    amount_within_percent: Percent
    created_within_days: Annotated[PositiveInt, DAYS]
    name_weight: Weight
    amount_weight: Weight
    created_weight: Weight
    most_compared: Annotated[int, Field(ge=1, le=5_000)]
    most_told: Annotated[int, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.name_weight + self.amount_weight + self.created_weight == 0:
            raise ValueError("name_weight, amount_weight and created_weight must not all be 0")
        return self


class Completeness(Table):
    name: NonNegativeInt
    amount: NonNegativeInt
    close_date: NonNegativeInt
    owner: NonNegativeInt
    contact: NonNegativeInt
    company: NonNegativeInt
    next_step: NonNegativeInt

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        # A next step only counts for open deals: a closed deal needs another weight.
        if sum(value for name, value in self if name != "next_step") == 0:
            raise ValueError("at least one weight other than next_step must be above 0")
        return self


class HandOff(Table):
    items: list[HandOffItem]


class Task(Table):
    at_severity: Severity
    due_after_days: Annotated[NonNegativeInt, DAYS]


class Stored(Table):
    redact: frozenset[Redactable]


class Rulebook(Table):
    """`required` is by pipeline and stage, `route` by pipeline ("*" for all others); the keys are HubSpot's ids."""

    severity: dict[RuleName, SeverityOrOff]
    required: dict[str, dict[str, list[ReadProperty]]]
    limits: Limits
    companies: Companies
    duplicates: Duplicates
    completeness: Completeness
    route: dict[str, list[str]]
    hand_off: HandOff
    task: Task
    stored: Stored

    @model_validator(mode="after")
    def _every_rule(self) -> Self:
        if missing := [name for name in get_args(RuleName) if name not in self.severity]:
            raise ValueError(f"severity lacks {', '.join(missing)}")
        return self
