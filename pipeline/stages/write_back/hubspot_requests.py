"""The requests of write-back, exactly as they are sent to HubSpot."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Literal

from pydantic import BaseModel

from core.days import days_later, start_of_day
from crm import paths
from crm.responses import Owner
from pipeline.stages.account_days import AccountDays
from pipeline.stages.findings import Finding
from pipeline.stages.score.score import ScoreOutput
from pipeline.stages.stage import StageContext
from pipeline.stages.write_back.markers import findings_digest, marker

# HubSpot's association types of a note and of a task with a deal.
NOTE_TO_DEAL, TASK_TO_DEAL = 214, 216
SETTLED = "All earlier findings are resolved."
# Below HubSpot's limit of 65,536 characters for the whole text.
LONGEST_LIST = 60_000


class HubSpotRequest(BaseModel):
    """One call of HubSpot's API."""

    method: Literal["PATCH", "POST"]
    path: str
    body: dict[str, Any]


def update_request(
    context: StageContext, scored: ScoreOutput, findings: Sequence[Finding], duplicate_of: str
) -> HubSpotRequest:
    """HubSpot takes every value as text; an empty text clears the property."""
    properties = {
        "dealqueue_score": str(scored.completeness),
        "dealqueue_issues": "; ".join(finding.rule for finding in findings),
        "dealqueue_duplicate_of": duplicate_of,
        "dealqueue_checked_at": _timestamp(context.now),
    }
    path = paths.record(paths.DEALS, context.hubspot_deal_id)
    return HubSpotRequest(method="PATCH", path=path, body={"properties": properties})


def note_request(context: StageContext, findings: Sequence[Finding]) -> HubSpotRequest:
    properties = {"hs_timestamp": _timestamp(context.now), "hs_note_body": _body(context, findings)}
    return _creation(paths.NOTES, properties, context.hubspot_deal_id, NOTE_TO_DEAL)


def task_request(context: StageContext, owner: Owner, serious: Sequence[Finding], days: AccountDays) -> HubSpotRequest:
    properties = {
        "hs_timestamp": _timestamp(_due(context, days)),
        "hs_task_subject": f"Deal Queue: {len(serious)} {'point' if len(serious) == 1 else 'points'} to look at",
        "hs_task_body": _body(context, serious),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hubspot_owner_id": owner.id,
    }
    return _creation(paths.TASKS, properties, context.hubspot_deal_id, TASK_TO_DEAL)


def _due(context: StageContext, days: AccountDays) -> datetime:
    """On the account's day that the rulebook sets, at the present time of day; for today, when the day ends."""
    after = context.rulebook.task.due_after_days
    if after == 0:
        # A task that is due now would be overdue when its owner sees it first.
        return start_of_day(days.of(context.now) + timedelta(days=1), days.zone) - timedelta(milliseconds=1)
    return days_later(context.now, after, days.zone)


def _creation(object_type: str, properties: dict[str, str], deal_id: str, association: int) -> HubSpotRequest:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": association}]
    body = {"properties": properties, "associations": [{"to": {"id": deal_id}, "types": types}]}
    return HubSpotRequest(method="POST", path=paths.records(object_type), body=body)


def _body(context: StageContext, findings: Sequence[Finding]) -> str:
    """HTML, as HubSpot shows it, with the marker at its end."""
    shown, length = [], 0
    for finding in findings:
        item = f"<li>{escape(finding.message)}</li>"
        length += len(item)
        if length > LONGEST_LIST:
            break
        shown.append(item)
    text = f"<ul>{''.join(shown)}</ul>" if shown else f"<p>{SETTLED}</p>"
    return f"{text}<p>{escape(marker(context.idempotency_key, findings_digest(findings)))}</p>"


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
