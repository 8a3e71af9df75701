"""Write back: the results, written to HubSpot. Unless WRITE_BACK is on, a dry run stores the requests, sends none."""

from collections.abc import Sequence

from pydantic import BaseModel

from core.direct import Statement
from pipeline.rulebook import Severity
from pipeline.stages import associate
from pipeline.stages.deal_facts import DealFacts, load_facts
from pipeline.stages.deduplicate import deduplicate
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.findings import Finding, at_least
from pipeline.stages.score import score
from pipeline.stages.stage import RetryPolicy, Stage, StageContext, StageResult
from pipeline.stages.validate import validate
from pipeline.stages.write_back.hubspot_requests import HubSpotRequest, note_request, task_request, update_request
from pipeline.stages.write_back.hubspot_writer import Draft, Written, write
from pipeline.stages.write_back.markers import NO_FINDINGS, findings_digest

# Of dry runs, for dry runs only: HubSpot has no note of them, so a real run must not compare with them.
# For a deal's first run, no step is looked at: a plan from when the table was small would read all of its outputs.
_LAST_DIGEST = Statement("""
WITH earlier AS MATERIALIZED (
    SELECT id, number FROM pipeline_runs WHERE deal_id = :deal_id AND id <> :run_id
)
SELECT w.digest FROM earlier AS e CROSS JOIN LATERAL (
    SELECT s.output ->> 'findings_digest' AS digest FROM steps AS s
    WHERE s.run_id = e.id AND s.stage = 'write_back' AND s.status = 'DONE' AND s.output -> 'dry_run' = 'true' LIMIT 1
) AS w ORDER BY e.number DESC LIMIT 1
""")


class WriteBackOutput(BaseModel):
    """`missing_properties` are those of the first request that the account lacks: HubSpot would refuse it.

    By `findings_digest` the deal's next dry run knows whether anything has changed; `written` is None in a dry run.
    """

    dry_run: bool
    requests: list[HubSpotRequest]
    missing_properties: list[str]
    findings_digest: str
    remarks: list[str]
    written: Written | None = None


async def run(context: StageContext) -> StageResult:
    fetched = context.output_of(fetch.STAGE.key, FetchOutput)
    scored = context.output_of(score.STAGE.key, score.ScoreOutput)
    candidates = context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).candidates
    facts = await load_facts(fetched.judged, context.catalog, context.now)
    findings = at_least(Severity.LOW, [*score.earlier_findings(context), *scored.findings])
    duplicate_of = candidates[0].hubspot_deal_id if candidates else ""
    update = update_request(context, scored, findings, duplicate_of)
    note = Draft(note_request(context, findings), findings_digest(findings))
    task = _task(context, facts, findings)
    if not context.settings.write_back:
        return StageResult(await _dry_run(context, update, note, task))
    output, written = await _write(context, update, note, task)
    return StageResult(output, own_activity=written.own_activity)


def _task(context: StageContext, facts: DealFacts, findings: Sequence[Finding]) -> Draft | None:
    """For the owner of a deal with serious findings; none for a deactivated owner or a closed deal."""
    serious = at_least(context.rulebook.task.at_severity, findings)
    closed = facts.stage is not None and facts.stage.is_closed
    if not serious or closed or facts.owner is None or facts.owner.archived:
        return None
    return Draft(task_request(context, facts.owner, serious, facts.days), findings_digest(serious))


async def _write(
    context: StageContext, update: HubSpotRequest, note: Draft, task: Draft | None
) -> tuple[WriteBackOutput, Written]:
    written = await write(context, update, note, task)
    requests = [update]
    if written.note_id:
        requests.append(note.request)
    if task and written.task_id:
        requests.append(task.request)
    unchanged = "No note: the newest note of Deal Queue has the same findings, or there are none."
    output = WriteBackOutput(
        dry_run=False,
        requests=requests,
        missing_properties=[],
        findings_digest=note.digest,
        remarks=[] if written.note_id else [unchanged],
        written=written,
    )
    return output, written


async def _dry_run(context: StageContext, update: HubSpotRequest, note: Draft, task: Draft | None) -> WriteBackOutput:
    requests, remarks = [update], []
    rows = await context.database.fetch(_LAST_DIGEST, {"deal_id": context.deal_id, "run_id": context.run_id})
    last_digest = rows[0]["digest"] if rows else None
    if note.digest == (last_digest or NO_FINDINGS):
        remarks.append("No note and no task: the deal's previous run had the same findings, or there are none.")
    else:
        requests += [draft.request for draft in (note, task) if draft]
    properties: list[str] = list(update.body["properties"])
    return WriteBackOutput(
        dry_run=True,
        requests=requests,
        missing_properties=[name for name in properties if await context.catalog.property(name) is None],
        findings_digest=note.digest,
        remarks=remarks,
    )


STAGE = Stage(
    key="write_back",
    label="Write back",
    run=run,
    effect="side_effect",
    # At most nine calls; HubSpot may still complete a write ten seconds after its connection was cut.
    timeout_seconds=90,
    retry=RetryPolicy(first_seconds=20),
    needs=(fetch.STAGE.key, validate.STAGE.key, associate.STAGE.key, deduplicate.STAGE.key, score.STAGE.key),
)
