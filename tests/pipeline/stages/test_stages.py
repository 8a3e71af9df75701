"""The six stages as the worker runs them: the real runner, real rows, the sandbox over HTTP."""

from core.database import Database
from pipeline.stages import STAGES
from pipeline.worker.runner import Runner
from tests.crm.account import Account
from tests.factories import one, queued_deal, rows
from tests.hubspot import Sandbox

KEYS = ["fetch", "validate", "associate", "deduplicate", "score", "write_back"]


def test_the_stages_are_these_in_this_order() -> None:
    """Keys are stored with every run: a new key for a stage would orphan stored outputs."""
    assert [(stage.key, stage.label) for stage in STAGES] == [
        ("fetch", "Fetch"),
        ("validate", "Validate"),
        ("associate", "Associate"),
        ("deduplicate", "Deduplicate"),
        ("score", "Score"),
        ("write_back", "Write back"),
    ]


def test_only_write_back_has_a_side_effect() -> None:
    assert [stage.key for stage in STAGES if stage.effect == "side_effect"] == ["write_back"]


async def test_every_deal_of_the_sandbox_is_processed(database: Database, runner: Runner, hubspot: Sandbox) -> None:
    """Bad data included: each run ends as DONE with an output of every stage, and deals have companies and contacts."""
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
