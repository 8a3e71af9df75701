"""The texts of notes and tasks fit into HubSpot and end with the marker; a task is due on a day of the account."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from crm.responses import Owner
from pipeline.rulebook import Severity
from pipeline.stages.account_days import AccountDays
from pipeline.stages.findings import Finding
from pipeline.stages.write_back.hubspot_requests import SETTLED, note_request, task_request
from pipeline.stages.write_back.markers import findings_digest, marker
from pipeline.stages.write_back.write_back import STAGE
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import IN_UTC
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


async def test_a_task_is_due_tomorrow_also_when_tomorrow_has_23_hours(processing: Processing, account: Account) -> None:
    """On the next day of the account, at the same time of day: 24 hours later it would be the day after."""
    deal_id = account.deal()
    context = await processing.context(STAGE, await processing.store(deal_id), deal_id, {})
    late = replace(context, now=datetime(2026, 3, 8, 7, 30, tzinfo=UTC))
    request = task_request(late, Owner(id=KENJI), [finding("One.")], AccountDays(ZoneInfo("America/Los_Angeles")))
    assert request.body["properties"]["hs_timestamp"] == "2026-03-09T06:30:00.000Z"
