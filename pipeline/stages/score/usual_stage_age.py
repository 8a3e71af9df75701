"""How long deals usually stay in a stage: the median age of the deals that are in it now, cached."""

import statistics
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from core.clock import Clock, SystemClock
from core.database import Database
from pipeline.stages.account_days import AccountDays

# No index serves the query; once in ten minutes for each stage its cost does not matter.
CACHE_SECONDS = 600.0
# The newest deals of a stage; the median of more would be the same to the day.
SAMPLE = 2_000

_IN_STAGE = text("""
SELECT properties ->> 'hs_v2_date_entered_current_stage' AS since
FROM deals
WHERE hubspot_pipeline = :pipeline AND hubspot_stage = :stage AND archived_at IS NULL
ORDER BY id DESC
LIMIT :sample
""")


@dataclass(frozen=True, slots=True)
class UsualStageAge:
    """`deals` is how many deals the median was taken over."""

    median_days: int
    deals: int


class UsualStageAges:
    """A cache, one per process. Two callers at once may both query; they get the same answer."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._cached: dict[tuple[str, str], tuple[UsualStageAge | None, float]] = {}

    async def get(
        self, database: Database, pipeline: str, stage: str, now: datetime, days: AccountDays
    ) -> UsualStageAge | None:
        """None when no deal in the stage has a readable time at which it entered."""
        cached = self._cached.get((pipeline, stage))
        if cached is None or self._clock.monotonic() - cached[1] > CACHE_SECONDS:
            cached = (await _median(database, pipeline, stage, now, days), self._clock.monotonic())
            self._cached[pipeline, stage] = cached
        return cached[0]


async def _median(
    database: Database, pipeline: str, stage: str, now: datetime, days: AccountDays
) -> UsualStageAge | None:
    rows = await database.run(_IN_STAGE, {"pipeline": pipeline, "stage": stage, "sample": SAMPLE})
    entered = (days.of_value_or_none("hs_v2_date_entered_current_stage", row.since) for row in rows)
    ages = [(days.of(now) - since).days for since in entered if since is not None]
    return UsualStageAge(int(statistics.median(ages)), len(ages)) if ages else None
