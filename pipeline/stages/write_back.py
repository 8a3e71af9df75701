"""Write back: what HubSpot would be told. A dry run: the exact requests are stored, and none is sent."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import text

from core.database import Database
from crm import paths
from crm.catalog import Catalog
from pipeline.rulebook import Severity
from pipeline.stage import Stage, StageContext, StageResult
from pipeline.stages import associate, deduplicate, fetch, score, validate
from pipeline.stages.facts import Facts, gather
from pipeline.stages.findings import Finding

# HubSpot's types of the associations of a new note and a new task with their deal.
NOTE_TO_DEAL, TASK_TO_DEAL = 214, 216
TASK_DUE_AFTER = timedelta(days=1)

# Of the dry runs only: what they would have told nobody has read, so a real run will not go by them.
_LAST_NOTED = text("""
SELECT s.output ->> 'findings_digest' AS digest
FROM pipeline_runs AS r JOIN steps AS s ON s.run_id = r.id
WHERE r.deal_id = :deal_id AND r.id <> :run_id AND s.stage = 'write_back' AND s.status = 'DONE'
  AND s.output -> 'dry_run' = 'true'
ORDER BY r.number DESC LIMIT 1
""")


class Request(BaseModel):
    """One call of HubSpot's API, as it would be sent."""

    method: Literal["PATCH", "POST"]
    path: str
    body: dict[str, Any]


class WriteBackOutput(BaseModel):
    """`missing_properties` are those that the account would have to have before HubSpot took the first request.

    `findings_digest` is how the deal's next run knows whether anything has changed since.
    """

    dry_run: Literal[True] = True
    requests: list[Request]
    missing_properties: list[str]
    findings_digest: str
    remarks: list[str]


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, fetch.FetchOutput)
    scored = context.output_of(score.STAGE.key, score.ScoreOutput)
    facts = await gather(snapshot.properties, context.catalog, context.now)
    findings = [
        finding for finding in [*score.earlier_findings(context), *scored.findings] if _asks_for_action(finding)
    ]
    properties = _properties(context, scored, findings)
    digest = _digest(findings)
    requests = [_update(context, properties)]
    remarks = []
    if digest == await _last_digest(context.database, context.deal_id, context.run_id):
        remarks.append("No note and no task: the findings are those of the deal's previous run.")
    else:
        requests += [*_note(context, findings), *_task(context, facts, findings)]
    output = WriteBackOutput(
        requests=requests,
        missing_properties=await _missing(context.catalog, properties),
        findings_digest=digest,
        remarks=remarks,
    )
    return StageResult(output)


def _asks_for_action(finding: Finding) -> bool:
    return finding.severity is not Severity.INFO


def _properties(context: StageContext, scored: score.ScoreOutput, findings: Sequence[Finding]) -> dict[str, str]:
    """HubSpot takes every value as text; empty text clears."""
    candidates = context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).candidates
    return {
        "dealqueue_score": str(scored.completeness),
        "dealqueue_issues": "; ".join(finding.rule for finding in findings),
        "dealqueue_duplicate_of": candidates[0].hubspot_deal_id if candidates else "",
        "dealqueue_checked_at": _timestamp(context.now),
    }


def _update(context: StageContext, properties: dict[str, str]) -> Request:
    path = paths.record(paths.DEALS, context.hubspot_deal_id)
    return Request(method="PATCH", path=path, body={"properties": properties})


def _note(context: StageContext, findings: Sequence[Finding]) -> list[Request]:
    if not findings:
        return []
    properties = {"hs_timestamp": _timestamp(context.now), "hs_note_body": _body(context, findings)}
    return [_creation(paths.NOTES, properties, context.hubspot_deal_id, NOTE_TO_DEAL)]


def _task(context: StageContext, facts: Facts, findings: Sequence[Finding]) -> list[Request]:
    """For the owner, when something serious is wrong; not for one who is gone, nor about a deal that is closed."""
    serious = [finding for finding in findings if finding.severity is Severity.HIGH]
    closed = facts.stage is not None and facts.stage.is_closed
    if not serious or closed or facts.owner is None or facts.owner.archived:
        return []
    properties = {
        "hs_timestamp": _timestamp(context.now + TASK_DUE_AFTER),
        "hs_task_subject": f"Deal Queue: {len(serious)} {'point' if len(serious) == 1 else 'points'} to look at",
        "hs_task_body": _body(context, serious),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hubspot_owner_id": facts.owner.id,
    }
    return [_creation(paths.TASKS, properties, context.hubspot_deal_id, TASK_TO_DEAL)]


def _creation(object_type: str, properties: dict[str, str], deal_id: str, association: int) -> Request:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": association}]
    body = {"properties": properties, "associations": [{"to": {"id": deal_id}, "types": types}]}
    return Request(method="POST", path=paths.creation(object_type), body=body)


def _body(context: StageContext, findings: Sequence[Finding]) -> str:
    """HTML, as HubSpot shows it; the key at its end tells whether it was written before."""
    items = "".join(f"<li>{escape(finding.message)}</li>" for finding in findings)
    return f"<ul>{items}</ul><p>Deal Queue {escape(context.idempotency_key)}</p>"


def _digest(findings: Sequence[Finding]) -> str:
    """The same for the same rules and properties: a message may count days, and a new day is no news."""
    keys = sorted(f"{finding.rule} {finding.property}" for finding in findings)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


async def _last_digest(database: Database, deal_id: int, run_id: int) -> str | None:
    rows = await database.run(_LAST_NOTED, {"deal_id": deal_id, "run_id": run_id})
    return rows[0].digest if rows else None


async def _missing(catalog: Catalog, properties: dict[str, str]) -> list[str]:
    return [name for name in properties if await catalog.property(name) is None]


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


STAGE = Stage(
    key="write_back",
    label="Write back",
    run=run,
    effect="side_effect",
    needs=(
        fetch.STAGE.key,
        validate.STAGE.key,
        associate.STAGE.key,
        deduplicate.STAGE.key,
        score.STAGE.key,
    ),
)
