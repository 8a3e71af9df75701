"""The usual age in a stage is the median of the deals that are in it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from core.clock import SystemClock
from core.database import Database
from pipeline.rulebook import shipped_rulebook
from pipeline.stages.account_days import AccountDays
from pipeline.stages.score.usual_stage_age import CACHE_SECONDS, UsualStageAge, UsualStageAges
from pipeline.stages.stage import StageSettings
from tests.crm.account import Account
from tests.factories import queued_deal
from tests.pipeline.stages.example_facts import IN_UTC, changed_rulebook
from tests.pipeline.stages.processing import Processing, rules


async def test_the_age_of_a_deal_is_compared_with_the_median_of_its_stage(
    processing: Processing, account: Account
) -> None:
    """If enough deals are in the stage."""
    now = datetime.now(UTC)
    for days in (10, 20, 30):
        since = (now - timedelta(days=days)).isoformat()
        written = orjson.dumps({"hs_v2_date_entered_current_stage": since}).decode()
        await queued_deal(processing.database, properties=written)
    await queued_deal(processing.database, properties='{"hs_v2_date_entered_current_stage": "long ago"}')
    limits = {**shipped_rulebook().limits.model_dump(), "slow_in_stage_among": 3}
    processing.settings = StageSettings(rulebook=changed_rulebook(limits=limits))
    deal_id = account.deal({"dealstage": "appointmentscheduled"})
    account.move(deal_id, "qualifiedtobuy")
    output = (await processing.through(deal_id, "score", now=now + timedelta(days=70)))["score"]
    assert output["usual_stage_age_days"] == 90
    assert "slow_in_stage" not in rules(output)
    processing.settings = StageSettings(rulebook=changed_rulebook(limits={**limits, "slow_in_stage_times": 1}))
    output = (await processing.through(deal_id, "score", now=now))["score"]
    assert (output["usual_stage_age_days"], rules(output)) == (20, [])


async def test_the_median_is_counted_in_days_of_the_account(database: Database) -> None:
    """Two deals entered the stage a minute before and after midnight there: they differ by a day."""
    for entered in ("2026-11-20T10:59:00Z", "2026-11-20T11:00:00Z", "2026-11-20T11:01:00Z"):
        written = orjson.dumps({"hs_v2_date_entered_current_stage": entered}).decode()
        await queued_deal(database, properties=written)
    now, auckland = datetime(2026, 11, 30, 10, 59, tzinfo=UTC), AccountDays(ZoneInfo("Pacific/Auckland"))
    found = await UsualStageAges().get(database, "default", "qualifiedtobuy", now, auckland)
    assert found == UsualStageAge(9, deals=3)


class MovedClock(SystemClock):
    """A system clock that a test can move forward."""

    moved = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.moved


async def test_the_median_is_cached_for_ten_minutes(database: Database) -> None:
    """A stage without a readable time in any deal has none."""
    now, clock = datetime.now(UTC), MovedClock()
    ages = UsualStageAges(clock)
    assert await ages.get(database, "default", "qualifiedtobuy", now, IN_UTC) is None
    since = (now - timedelta(days=3)).isoformat()
    await queued_deal(database, properties=orjson.dumps({"hs_v2_date_entered_current_stage": since}).decode())
    assert await ages.get(database, "default", "qualifiedtobuy", now, IN_UTC) is None
    clock.moved = CACHE_SECONDS
    assert await ages.get(database, "default", "qualifiedtobuy", now, IN_UTC) == UsualStageAge(3, deals=1)
