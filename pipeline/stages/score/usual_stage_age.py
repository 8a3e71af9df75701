"""How long deals usually stand in a stage: the median over those that stand there now, kept for a while."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from core.clock import Clock, SystemClock
from core.database import Database
from crm.records import parse_instant

# No index serves this; once in ten minutes for each stage it costs nothing that anybody notices.
KEPT_SECONDS = 600.0
# The newest so many of a stage; the median of more would be the same to a day.
SAMPLE = 2_000

_IN_STAGE = text("""
SELECT properties ->> 'hs_v2_date_entered_current_stage' AS since
FROM deals
WHERE hubspot_pipeline = :pipeline AND hubspot_stage = :stage AND archived_at IS NULL
ORDER BY id DESC
LIMIT :sample
""")


@dataclass(frozen=True, slots=True)
class UsualAge:
    """Over so many deals."""

    median: timedelta
    deals: int


class StageAges:
    """One for each process. Of two that ask at once both may read; the answers are the same."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._kept: dict[tuple[str, str], tuple[UsualAge | None, float]] = {}

    async def usual(self, database: Database, pipeline: str, stage: str, now: datetime) -> UsualAge | None:
        """None where no deal in the stage says since when it is there."""
        kept = self._kept.get((pipeline, stage))
        if kept is None or self._clock.monotonic() - kept[1] > KEPT_SECONDS:
            kept = (await _usual(database, {"pipeline": pipeline, "stage": stage}, now), self._clock.monotonic())
            self._kept[pipeline, stage] = kept
        return kept[0]


async def _usual(database: Database, of: Mapping[str, str], now: datetime) -> UsualAge | None:
    rows = await database.run(_IN_STAGE, {**of, "sample": SAMPLE})
    seconds = [(now - since).total_seconds() for row in rows if (since := _instant(row.since)) is not None]
    return UsualAge(timedelta(seconds=statistics.median(seconds)), len(seconds)) if seconds else None


def _instant(written: str | None) -> datetime | None:
    try:
        return parse_instant(written) if written else None
    except ValueError:
        return None
