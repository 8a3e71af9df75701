"""The texts of notes and tasks fit into HubSpot and end with the marker; a task is due on a day of the account."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.responses import Owner
from pipeline.rulebook import Severity
from pipeline.stages.account_days import AccountDays
from pipeline.stages.findings import Finding
from pipeline.stages.stage import StageSettings
from pipeline.stages.write_back.hubspot_requests import SETTLED, note_request, task_request
from pipeline.stages.write_back.markers import findings_digest, marker
from pipeline.stages.write_back.write_back import STAGE
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import IN_UTC, changed_rulebook
from tests.pipeline.stages.processing import KENJI, Processing


def finding(message: str) -> Finding:
    return Finding(rule="stalled", severity=Severity.HIGH, message=message)


async def test_a_long_list_of_findings_is_cut_at_a_whole_one(processing: Processing, account: Account) -> None:
    """HubSpot takes 65,536 characters; the marker, of all findings, is never cut."""
    deal_id = account.deal()
    context = await processing.context(STAGE, await processing.store(deal_id), deal_id, {})
    findings = [finding("&" * 1_000) for _ in range(100)]
    body = note_request(context, findings).body["properties"]["hs_note_body"]
    assert len(body) < 65_536
    assert body.count("<li>") == body.count("</li>") > 10
    assert body.endswith(f"<p>{marker(context.idempotency_key, findings_digest(findings))}</p>")


async def test_a_note_without_findings_says_that_they_are_resolved(processing: Processing, account: Account) -> None:
    deal_id = account.deal()
    context = await processing.context(STAGE, await processing.store(deal_id), deal_id, {})
    assert SETTLED in note_request(context, []).body["properties"]["hs_note_body"]


async def test_the_subject_of_a_task_counts_the_findings(processing: Processing, account: Account) -> None:
    deal_id = account.deal()
    context = await processing.context(STAGE, await processing.store(deal_id), deal_id, {})
    request = task_request(context, Owner(id=KENJI), [finding("One."), finding("Two.")], IN_UTC)
    assert request.body["properties"]["hs_task_subject"] == "Deal Queue: 2 points to look at"


@pytest.mark.parametrize(
    ("after", "now", "due"),
    [
        # At 23:30 before a day of 23 hours: 24 hours later it is the day after that.
        (1, "2026-03-08T07:30", "2026-03-09T06:30:00.000Z"),
        # At 00:30 on a day of 25 hours: 24 hours later it is the same day.
        (1, "2026-11-01T07:30", "2026-11-02T08:30:00.000Z"),
        (2, "2026-12-31T07:00", "2027-01-02T07:00:00.000Z"),
        # Today: a task that is due now would be overdue at once.
        (0, "2026-03-08T08:30", "2026-03-09T06:59:59.999Z"),
        (0, "2026-11-01T07:30", "2026-11-02T07:59:59.999Z"),
    ],
)
async def test_a_task_is_due_on_a_day_of_the_account(
    processing: Processing, account: Account, after: int, now: str, due: str
) -> None:
    """The rulebook counts days of the calendar, of 23 or 25 hours too."""
    deal_id = account.deal()
    context = await processing.context(STAGE, await processing.store(deal_id), deal_id, {})
    rulebook = changed_rulebook(task={"at_severity": "high", "due_after_days": after})
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    context = replace(context, now=at, settings=StageSettings(rulebook=rulebook))
    request = task_request(context, Owner(id=KENJI), [finding("One.")], AccountDays(ZoneInfo("America/Los_Angeles")))
    assert request.body["properties"]["hs_timestamp"] == due
