"""Write back: what HubSpot is told. Unless WRITE_BACK is on, a dry run: the exact requests are stored, none is sent."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import text

from crm.catalog import Catalog
from pipeline.rulebook import Severity
from pipeline.stages import associate
from pipeline.stages.deal_facts import Facts, gather
from pipeline.stages.deduplicate import deduplicate
from pipeline.stages.fetch import fetch
from pipeline.stages.findings import Finding, at_least
from pipeline.stages.score import score
from pipeline.stages.stage import RetryPolicy, Stage, StageContext, StageResult
from pipeline.stages.validate import validate
from pipeline.stages.write_back import hubspot_requests
from pipeline.stages.write_back.hubspot_requests import Request
from pipeline.stages.write_back.hubspot_writer import NOTHING, Message, Written, tell
from pipeline.stages.write_back.markers import digest

# Of the dry runs only: what they would have told nobody has read, so a real run does not go by them.
_LAST_NOTED = text("""
SELECT s.output ->> 'findings_digest' AS digest
FROM pipeline_runs AS r JOIN steps AS s ON s.run_id = r.id
WHERE r.deal_id = :deal_id AND r.id <> :run_id AND s.stage = 'write_back' AND s.status = 'DONE'
  AND s.output -> 'dry_run' = 'true'
ORDER BY r.number DESC LIMIT 1
""")


class WriteBackOutput(BaseModel):
    """`missing_properties` are those that the account would have to have before HubSpot took the first request.

    `findings_digest` is how the deal's next run knows whether anything has changed; `written` is None in a dry run.
    """

    dry_run: bool
    requests: list[Request]
    missing_properties: list[str]
    findings_digest: str
    remarks: list[str]
    written: Written | None = None


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, fetch.FetchOutput)
    scored = context.output_of(score.STAGE.key, score.ScoreOutput)
    candidates = context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).candidates
    facts = await gather(snapshot.properties, context.catalog, context.now)
    findings = at_least(Severity.LOW, [*score.earlier_findings(context), *scored.findings])
    duplicate_of = candidates[0].hubspot_deal_id if candidates else ""
    update = hubspot_requests.update(context, scored, findings, duplicate_of)
    note = Message(hubspot_requests.note(context, findings), digest(findings))
    task = _task(context, facts, findings)
    act = _write if context.terms.write_back else _rehearse
    return StageResult(await act(context, update, note, task))


def _task(context: StageContext, facts: Facts, findings: Sequence[Finding]) -> Message | None:
    """For the owner, when something serious is wrong; not for one who is gone, nor about a deal that is closed."""
    serious = at_least(context.rulebook.task.at_severity, findings)
    closed = facts.stage is not None and facts.stage.is_closed
    if not serious or closed or facts.owner is None or facts.owner.archived:
        return None
    return Message(hubspot_requests.task(context, facts.owner, serious), digest(serious))


async def _write(context: StageContext, update: Request, note: Message, task: Message | None) -> WriteBackOutput:
    written = await tell(context, update, note, task)
    requests = [update]
    if written.note_id:
        requests.append(note.request)
    if task and written.task_id:
        requests.append(task.request)
    remarks = [] if written.note_id else ["No note: the newest one of Deal Queue tells the same, or nothing is found."]
    return WriteBackOutput(
        dry_run=False,
        requests=requests,
        missing_properties=[],
        findings_digest=note.about,
        remarks=remarks,
        written=written,
    )


async def _rehearse(context: StageContext, update: Request, note: Message, task: Message | None) -> WriteBackOutput:
    requests, remarks = [update], []
    if note.about == (await _last_digest(context) or NOTHING):
        remarks.append("No note and no task: the findings are those of the deal's previous run, or there are none.")
    else:
        requests += [message.request for message in (note, task) if message]
    return WriteBackOutput(
        dry_run=True,
        requests=requests,
        missing_properties=await _missing(context.catalog, update),
        findings_digest=note.about,
        remarks=remarks,
    )


async def _last_digest(context: StageContext) -> str | None:
    rows = await context.database.run(_LAST_NOTED, {"deal_id": context.deal_id, "run_id": context.run_id})
    return rows[0].digest if rows else None


async def _missing(catalog: Catalog, update: Request) -> list[str]:
    return [name for name in update.body["properties"] if await catalog.property(name) is None]


STAGE = Stage(
    key="write_back",
    label="Write back",
    run=run,
    effect="side_effect",
    # Nine calls at most; a write that was cut may still be under way at HubSpot, which gives it ten seconds.
    timeout_seconds=90,
    retry=RetryPolicy(first_seconds=20),
    needs=(fetch.STAGE.key, validate.STAGE.key, associate.STAGE.key, deduplicate.STAGE.key, score.STAGE.key),
)
