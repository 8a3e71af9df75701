"""Validate: what is wrong with the deal, by our rules and by those of the account's admins. Bad data never fails it."""

from pydantic import BaseModel

from pipeline.stages.deal_facts import gather
from pipeline.stages.fetch import fetch
from pipeline.stages.findings import Finding, graded
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.stages.validate import account_rules, built_in_rules


class ValidateOutput(BaseModel):
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, fetch.FetchOutput)
    facts = await gather(snapshot.properties, context.catalog, context.now)
    set_by_admins = await context.catalog.validation_rules()
    found = [*built_in_rules.issues(facts, context.rulebook), *account_rules.issues(snapshot.properties, set_by_admins)]
    return StageResult(ValidateOutput(findings=graded(found, context.rulebook)))


STAGE = Stage(key="validate", label="Validate", run=run, needs=(fetch.STAGE.key,))
