"""The stages that a deal has passed through, and its close date."""

from dataclasses import dataclass
from random import Random

from sandbox.account.pipelines import RENEWALS, SALES, Pipeline, Stage
from sandbox.account.records import Version
from sandbox.account.timestamps import DAY_MS, iso

NO_CLOSE_DATE, PAST_CLOSE_DATE = 0.05, 0.10
# The share of all deals of a new account that are open and have a close date: only these can be late.
OPEN_SHARE = 0.36
# Most deals older than this are closed.
CYCLE_DAYS = 120


@dataclass(frozen=True, slots=True)
class DealProgress:
    """`path` holds the stages so far, oldest first, each with the time at which the deal entered it."""

    pipeline: Pipeline
    path: tuple[tuple[Stage, int], ...]

    @property
    def stage(self) -> Stage:
        return self.path[-1][0]

    @property
    def entered_ms(self) -> int:
        return self.path[-1][1]

    def versions(self) -> tuple[Version, ...]:
        """The history of `dealstage`, newest first."""
        return tuple(Version(stage.id, at_ms, "CRM_UI") for stage, at_ms in reversed(self.path))


def draw_progress(created_ms: int, now_ms: int, rng: Random, *, closed: bool | None = None) -> DealProgress:
    """Old deals are mostly closed, young ones mostly open, unless `closed` decides."""
    pipeline = SALES if rng.random() < 0.8 else RENEWALS
    age = (now_ms - created_ms) / (CYCLE_DAYS * DAY_MS)
    draw = rng.random()
    stages = pipeline.open_stages[: 1 + int(rng.random() * min(1.0, age + 0.15) * len(pipeline.open_stages))]
    if draw < min(0.75, age * 0.6) if closed is None else closed:
        stages = (*stages, pipeline.closed_stage(won=rng.random() < 0.55))
    span_ms = min(now_ms - created_ms, int(rng.uniform(0.1, 1.0) * CYCLE_DAYS * DAY_MS))
    times = sorted(created_ms + int(rng.random() * span_ms) for _ in stages[1:])
    return DealProgress(pipeline, tuple(zip(stages, (created_ms, *times), strict=True)))


def draw_close_date(progress: DealProgress, now_ms: int, rng: Random) -> str | None:
    """For a closed deal the day it closed; for an open one a day in the future, or in the past, or no date."""
    if rng.random() < NO_CLOSE_DATE:
        return None
    if progress.stage.is_closed:
        return iso(progress.entered_ms)
    if rng.random() < PAST_CLOSE_DATE / OPEN_SHARE:
        return iso(now_ms - rng.randint(1, 120) * DAY_MS)
    return iso(now_ms + rng.randint(3, 120) * DAY_MS)
