"""Which changes of a stored deal request another run: not those of a deal that was left out, nor our own."""

from datetime import datetime, timedelta

import pytest

from core.database import Database
from models import RunReason, RunStatus
from pipeline.runs.intake import IntakeRules
from tests.factories import MODIFIED, RULES, deal_row, one, rows, store

LATER = MODIFIED + timedelta(hours=1)


async def test_a_deal_that_was_left_out_stays_so_when_it_is_edited(database: Database) -> None:
    """Until BACKFILL_PROCESS would choose it, as one that is reopened; a person who retries it wants it processed."""
    rules = IntakeRules(stages=RULES.stages, rerun_on=("amount",))
    left_out = {"run_status": RunStatus.SKIPPED, "run_reason": RunReason.NOT_SELECTED}
    requested = "SELECT rerun_wanted_at IS NOT NULL FROM deals"
    await store(database, deal_row("1", properties='{"amount": "1"}', **left_out))
    edited = deal_row("1", properties='{"amount": "2"}', hubspot_modified_at=LATER, **left_out)
    await store(database, edited, rules=rules)
    assert await one(database, requested) is False
    reopened = deal_row("1", properties='{"amount": "3"}', hubspot_modified_at=LATER + timedelta(1))
    await store(database, reopened, rules=rules)
    assert await one(database, requested) is True


OURS = "2026-11-20T10:00:00.000Z"


@pytest.mark.parametrize(
    ("activity", "amount", "requested"),
    [
        (OURS, "1", False),
        ("2026-11-20T10:00:09.500Z", "1", False),
        ("2026-11-20T10:01:00.000Z", "1", True),
        ("2026-11-20T09:59:00.000Z", "1", True),
        ("yesterday", "1", True),
        ("2026-02-31T10:00:00.000Z", "1", True),
        ("", "1", True),
        (OURS, "2", True),
    ],
    ids=["ours", "timed a little later", "later", "earlier", "no time", "no day", "gone", "with an edit"],
)
async def test_an_activity_of_ours_requests_no_run(
    database: Database, activity: str, amount: str, requested: bool
) -> None:
    """A person's does, and so does an edit that is read with ours."""
    rules = IntakeRules(stages=RULES.stages, rerun_on=("amount", "hs_last_activity_date"))
    await store(database, deal_row("1", properties='{"amount": "1", "hs_last_activity_date": "2026-11-01"}'))
    own = "UPDATE deals SET own_activity = ARRAY[CAST(:ours AS timestamptz), now()] RETURNING id"
    await rows(database, own, ours=datetime.fromisoformat(OURS))
    moved = f'{{"amount": "{amount}", "hs_last_activity_date": "{activity}"}}'
    await store(database, deal_row("1", properties=moved, hubspot_modified_at=LATER), rules=rules)
    assert await one(database, "SELECT rerun_wanted_at IS NOT NULL FROM deals") is requested


@pytest.mark.parametrize("write_back", [True, False])
async def test_an_activity_while_the_deal_is_written_back_is_ours(database: Database, write_back: bool) -> None:
    """The note may be there before the run has said so; in a dry run, it is a person's."""
    rules = IntakeRules(stages=RULES.stages, rerun_on=("hs_last_activity_date",), write_back=write_back)
    await store(database, deal_row("1", properties='{"hs_last_activity_date": "2026-11-01"}'))
    await rows(database, "UPDATE deals SET status = 'RUNNING', current_stage = 'write_back' RETURNING id")
    moved = deal_row("1", properties=f'{{"hs_last_activity_date": "{OURS}"}}', hubspot_modified_at=LATER)
    await store(database, moved, rules=rules)
    assert await one(database, "SELECT rerun_wanted_at IS NULL FROM deals") is write_back
