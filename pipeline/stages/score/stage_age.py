"""How long a deal has been in its stage: compared with the rulebook's limit and with the other deals there."""

from collections.abc import Iterator
from datetime import date

from core.days import in_days
from pipeline.rulebook.tables import Limits
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.findings import Issue


def in_stage_since(facts: DealFacts, fetched: FetchOutput) -> date | None:
    """By HubSpot's own property; if it is empty, by the newest entry of the stage history."""
    since = facts.day("hs_v2_date_entered_current_stage")
    if since is None and fetched.stage_history and fetched.stage_history[0].stage == facts.text("dealstage"):
        return facts.days.of(fetched.stage_history[0].since)
    return since


def days_since(day: date | None, today: date) -> int | None:
    return None if day is None else max(0, (today - day).days)


def issues(facts: DealFacts, age: int | None, usual: int | None, limits: Limits) -> Iterator[Issue]:
    """For open deals only: a closed deal may stay in its stage."""
    if not facts.is_open or facts.stage is None:
        return
    label = facts.stage.label
    if age is None:
        yield Issue("stage_age_unknown", "HubSpot does not say when the deal entered its stage.", "dealstage")
    elif age > limits.long_in_stage_days:
        yield Issue("long_in_stage", f"The deal has been in stage {label} for {in_days(age)}.", "dealstage")
    elif usual is not None and _is_slow(age, usual, limits):
        message = f"The deal has been in stage {label} for {in_days(age)}; the median of the deals there is {usual}."
        yield Issue("slow_in_stage", message, "dealstage")


def _is_slow(age: int, usual: int, limits: Limits) -> bool:
    return age >= limits.slow_in_stage_at_least_days and age > usual * limits.slow_in_stage_times
