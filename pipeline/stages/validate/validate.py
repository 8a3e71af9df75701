"""Validate: check the deal against the built-in rules and the account's own. Bad data never fails the stage."""

from pydantic import BaseModel

from pipeline.stages.deal_facts import load_facts
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.findings import Finding, grade
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.stages.validate import account_rules, built_in_rules, unreadable_values


class ValidateOutput(BaseModel):
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    fetched = context.output_of(fetch.STAGE.key, FetchOutput)
    facts = await load_facts(fetched.judged, context.catalog, context.now)
    set_by_admins = await context.catalog.validation_rules()
    issues = [
        *built_in_rules.issues(facts, context.rulebook),
        *unreadable_values.issues(facts, fetched.unreadable),
        *account_rules.issues(fetched.judged, set_by_admins, facts.days),
    ]
    return StageResult(ValidateOutput(findings=grade(issues, context.rulebook)))


STAGE = Stage(key="validate", label="Validate", run=run, needs=(fetch.STAGE.key,))
