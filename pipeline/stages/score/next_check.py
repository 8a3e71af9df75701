"""When a deal must be checked again although it does not change: a day begins, or a week is over."""

import math
from collections.abc import Iterator
from datetime import date, timedelta

from core.days import start_of_day
from models.conditions import RECHECK_AFTER
from pipeline.rulebook.tables import Limits
from pipeline.runs.transition import NextCheck
from pipeline.stages.deal_facts import DealFacts


def next_check(facts: DealFacts, in_stage_since: date | None, usual_days: int | None, limits: Limits) -> NextCheck:
    """None for a closed deal: nothing that is checked of it depends on the day."""
    if facts.stage is not None and facts.stage.is_closed:
        return NextCheck(None)
    in_a_week = facts.now + RECHECK_AFTER
    last = facts.days.of(in_a_week)
    days = [day for day in _days(facts, in_stage_since, usual_days, limits) if facts.today < day <= last]
    return NextCheck(min([in_a_week, *(start_of_day(day, facts.days.zone) for day in days)]))


def _days(facts: DealFacts, in_stage_since: date | None, usual_days: int | None, limits: Limits) -> Iterator[date]:
    """The first day on which each rule that looks at the day may find something else, passed ones included."""
    if due := facts.day("closedate"):
        yield from _later(due, 1)
    if active := facts.day("hs_last_activity_date") or facts.day("createdate"):
        yield from _later(active, limits.stalled_after_days + 1)
    if in_stage_since:
        yield from _later(in_stage_since, limits.long_in_stage_days + 1)
        if usual_days is not None:
            slow = math.floor(usual_days * limits.slow_in_stage_times) + 1
            yield from _later(in_stage_since, max(slow, limits.slow_in_stage_at_least_days))


def _later(day: date, days: int) -> Iterator[date]:
    """Nothing when the calendar ends before that day."""
    try:
        yield day + timedelta(days=days)
    except OverflowError:
        return
