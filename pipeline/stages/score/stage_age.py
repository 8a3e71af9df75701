"""How long a deal has stood in its stage, and whether that is long: by the rulebook, and beside the others there."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.rulebook.tables import Limits
from pipeline.stages.deal_facts import Facts
from pipeline.stages.fetch.fetch import FetchOutput
from pipeline.stages.findings import Issue
from pipeline.stages.score.usual_stage_age import UsualAge


def in_stage_since(facts: Facts, snapshot: FetchOutput) -> datetime | None:
    """By HubSpot's own property; where that is empty, by the newest entry of the stage's history."""
    since = facts.instant("hs_v2_date_entered_current_stage")
    if since is None and snapshot.stage_history and snapshot.stage_history[0].stage == facts.text("dealstage"):
        return snapshot.stage_history[0].since
    return since


def days_since(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(0, (now - moment).days)


def usual_days(usual: UsualAge | None, limits: Limits) -> int | None:
    """The median; None where too few deals are in the stage to tell what is usual."""
    return None if usual is None or usual.deals < limits.slow_in_stage_among else usual.median.days


def issues(facts: Facts, age: int | None, usual: int | None, limits: Limits) -> Iterator[Issue]:
    """Of open deals only: a closed one may stay closed."""
    if not facts.is_open or facts.stage is None:
        return
    label = facts.stage.label
    if age is None:
        yield Issue("stage_age_unknown", "HubSpot does not say since when the deal is in its stage.", "dealstage")
    elif age > limits.long_in_stage_days:
        yield Issue("long_in_stage", f"The deal has been in stage {label} for {age} days.", "dealstage")
    elif usual is not None and _is_slow(age, usual, limits):
        message = f"The deal has been in stage {label} for {age} days; half of the deals there for {usual} or fewer."
        yield Issue("slow_in_stage", message, "dealstage")


def _is_slow(age: int, usual: int, limits: Limits) -> bool:
    longest = timedelta(days=usual) * limits.slow_in_stage_times
    return age >= limits.slow_in_stage_at_least_days and timedelta(days=age) > longest
