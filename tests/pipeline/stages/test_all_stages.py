"""The six stages as the worker runs them: the real runner, real rows, the sandbox over HTTP."""

import pytest

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from models import RunReason
from pipeline.runner import Runner
from pipeline.stages import STAGES
from pipeline.stages.stage import Stage, StageContext, StageFailed, StageResult, check_order
from pipeline.stages.validate.validate import STAGE as VALIDATE
from tests.crm.account import Account
from tests.factories import one, queued_deal, rows
from tests.hubspot import Sandbox, catalog

KEYS = ["fetch", "validate", "associate", "deduplicate", "score", "write_back"]


def test_the_stages_are_these_in_this_order() -> None:
    """Keys are stored with every run; a new name for one would orphan what is stored."""
    assert [(stage.key, stage.label) for stage in STAGES] == [
        ("fetch", "Fetch"),
        ("validate", "Validate"),
        ("associate", "Associate"),
        ("deduplicate", "Deduplicate"),
        ("score", "Score"),
        ("write_back", "Write back"),
    ]


async def nothing(context: StageContext) -> StageResult:
    raise AssertionError


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ((Stage(key="b", label="B", run=nothing, needs=("a",)), Stage(key="a", label="A", run=nothing)), "b needs a"),
        ((Stage(key="a", label="A", run=nothing),) * 2, "Two stages have the key a"),
    ],
)
def test_an_order_that_cannot_work_is_told(stages: tuple[Stage, ...], words: str) -> None:
    """When the stages are imported, not at the first deal."""
    with pytest.raises(ValueError, match=words):
        check_order(stages)


def test_only_the_last_stage_acts_outside() -> None:
    assert [stage.key for stage in STAGES if stage.effect == "side_effect"] == ["write_back"]


async def test_every_deal_of_the_sandbox_goes_through(database: Database, runner: Runner, hubspot: Sandbox) -> None:
    """However dirty: each ends as DONE, with an output of every stage, and knows its companies and contacts."""
    identifiers = sorted(key for key, deal in hubspot.truth().items() if not deal["archived"])
    for identifier in identifiers:
        await runner.process(await queued_deal(database, hubspot_deal_id=identifier))
    assert await rows(database, "SELECT status, count(*) AS deals FROM deals GROUP BY status") == [
        {"status": "DONE", "deals": len(identifiers)}
    ]
    steps = await rows(
        database, "SELECT run_id, array_agg(stage ORDER BY position) AS stages FROM steps GROUP BY run_id"
    )
    assert all(row["stages"] == KEYS for row in steps)
    assert await one(database, "SELECT count(*) FROM steps WHERE output IS NULL OR status <> 'DONE'") == 0
    assert await one(database, "SELECT count(*) FROM deals WHERE company_ids <> '{}' AND contact_ids <> '{}'") > 0


async def test_an_archived_deal_ends_as_skipped(database: Database, runner: Runner, account: Account) -> None:
    deal_id = account.deal()
    account.archive("deals", deal_id)
    await runner.process(await queued_deal(database, hubspot_deal_id=deal_id))
    assert await rows(database, "SELECT status, reason FROM pipeline_runs") == [
        {"status": "SKIPPED", "reason": "ARCHIVED"}
    ]


async def test_an_output_of_another_release_is_not_guessed_at(database: Database, client: HubSpot) -> None:
    """The run fails and needs attention; the message says what to do."""
    context = StageContext(
        deal_id=1,
        hubspot_deal_id="1",
        run_id=12,
        idempotency_key="12:validate",
        outputs={"fetch": {"something": "else"}},
        crm=client,
        catalog=catalog(client),
        database=database,
        now=SystemClock().now(),
    )
    with pytest.raises(StageFailed, match="fetch in run 12 is missing or from another release") as raised:
        await VALIDATE.run(context)
    assert raised.value.reason is RunReason.NEEDS_ATTENTION
