"""The contract of a stage: its order, its inputs, its retries."""

from typing import Any

import pytest

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from models import RunReason
from pipeline.stages.stage import RetryPolicy, Stage, StageContext, StageFailed, StageResult, StageSettings, check_order
from pipeline.stages.validate.validate import STAGE as VALIDATE
from tests.hubspot import catalog


async def nothing(context: StageContext) -> StageResult:
    raise AssertionError


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ((Stage(key="b", label="B", run=nothing, needs=("a",)), Stage(key="a", label="A", run=nothing)), "b needs a"),
        ((Stage(key="a", label="A", run=nothing),) * 2, "Two stages have the key a"),
    ],
)
def test_an_impossible_order_is_refused(stages: tuple[Stage, ...], words: str) -> None:
    """When the stages are imported, not when the first deal is processed."""
    with pytest.raises(ValueError, match=words):
        check_order(stages)


def job_context(database: Database, client: HubSpot, outputs: dict[str, Any]) -> StageContext:
    return StageContext(
        deal_id=1,
        hubspot_deal_id="1",
        run_id=12,
        idempotency_key="12:validate",
        outputs=outputs,
        crm=client,
        catalog=catalog(client),
        database=database,
        now=SystemClock().now(),
    )


async def test_an_output_of_another_release_fails_the_stage(database: Database, client: HubSpot) -> None:
    """The reason is NEEDS_ATTENTION, and the message says what to do."""
    context = job_context(database, client, {"fetch": {"something": "else"}})
    with pytest.raises(StageFailed, match="fetch in run 12 is missing or from another release") as raised:
        await VALIDATE.run(context)
    assert raised.value.reason is RunReason.NEEDS_ATTENTION


async def test_a_stage_gets_its_settings_and_the_outputs_that_it_needs(database: Database, client: HubSpot) -> None:
    """And no other outputs, so that `needs` is always complete."""
    seen: list[StageContext] = []

    async def remember(context: StageContext) -> StageResult:
        seen.append(context)
        raise StageFailed("enough seen")

    settings = StageSettings(write_back=True)
    stage = Stage(key="c", label="C", run=remember, needs=("a",)).with_settings(settings)
    with pytest.raises(StageFailed, match="enough seen"):
        await stage.run(job_context(database, client, {"a": {}, "b": {}}))
    assert (seen[0].outputs, seen[0].settings) == ({"a": {}}, settings)


def test_ten_minutes_of_outage_fail_no_run() -> None:
    """The waits between the attempts add up to eleven minutes at least, and none is longer than five."""
    policy = RetryPolicy()
    waits = [policy.delay_seconds(failures) for failures in range(1, policy.attempts)]
    assert sum(waits) >= 11 * 60
    assert max(waits) <= 300
    assert 1 <= waits[0] <= 2
