"""How far a deal has come: its way through a pipeline, and the day it should close."""

from dataclasses import dataclass
from random import Random

from sandbox.account.pipelines import RENEWALS, SALES, Pipeline, Stage
from sandbox.account.records import DAY_MS, Version, iso

NO_CLOSE_DATE, PAST_CLOSE_DATE = 0.05, 0.10
# Of all deals of a fresh world, those that are open and have a date: only they can be late.
OPEN_SHARE = 0.36
# Deals older than this are mostly decided.
CYCLE_DAYS = 120


@dataclass(frozen=True, slots=True)
class Progress:
    """Stages so far with the time each was entered, oldest first."""

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


def draw_progress(created_ms: int, now_ms: int, rng: Random, *, decided: bool | None = None) -> Progress:
    """Old deals are decided, young ones are on their way, unless `decided` says which."""
    pipeline = SALES if rng.random() < 0.8 else RENEWALS
    age = (now_ms - created_ms) / (CYCLE_DAYS * DAY_MS)
    draw = rng.random()
    stages = pipeline.open_stages[: 1 + int(rng.random() * min(1.0, age + 0.15) * len(pipeline.open_stages))]
    if draw < min(0.75, age * 0.6) if decided is None else decided:
        stages = (*stages, pipeline.closed_stage(won=rng.random() < 0.55))
    span_ms = min(now_ms - created_ms, int(rng.uniform(0.1, 1.0) * CYCLE_DAYS * DAY_MS))
    times = sorted(created_ms + int(rng.random() * span_ms) for _ in stages[1:])
    return Progress(pipeline, tuple(zip(stages, (created_ms, *times), strict=True)))


def draw_close_date(progress: Progress, now_ms: int, rng: Random) -> str | None:
    """The day it was decided; or a day to come, a day that has passed although the deal is open, or nothing."""
    if rng.random() < NO_CLOSE_DATE:
        return None
    if progress.stage.is_closed:
        return iso(progress.entered_ms)
    if rng.random() < PAST_CLOSE_DATE / OPEN_SHARE:
        return iso(now_ms - rng.randint(1, 120) * DAY_MS)
    return iso(now_ms + rng.randint(3, 120) * DAY_MS)
