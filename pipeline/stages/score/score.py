"""Score: how complete the deal is, its value, its age in the stage, suggested owner, hand-off checklist, priority."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pydantic import BaseModel

from pipeline.rulebook import Severity
from pipeline.rulebook.tables import Limits
from pipeline.stages import associate
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import DealFacts, load_facts
from pipeline.stages.deduplicate import deduplicate
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.output import LINE_ITEMS, FetchOutput
from pipeline.stages.findings import Finding, Issue, applying_rule, grade, worst_severity
from pipeline.stages.score import deal_value, hand_off, routing, stage_age
from pipeline.stages.score.completeness import completeness
from pipeline.stages.score.deal_value import Totals
from pipeline.stages.score.hand_off import Check
from pipeline.stages.score.next_check import next_check
from pipeline.stages.score.routing import Route
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.stages.validate import validate


class ScoreOutput(BaseModel):
    """`completeness` is 0 to 100; `weighted_value` is amount times probability, in the deal's currency; days are whole.

    `usual_stage_age_days` is the median of the deals in the same stage; None when there are too few.
    `priority` is the worst severity that all stages have found; None when no finding calls for action.
    """

    completeness: int
    totals: Totals
    weighted_value: Decimal | None
    stage_age_days: int | None
    usual_stage_age_days: int | None = None
    days_without_activity: int | None
    priority: Severity | None
    route: Route | None = None
    hand_off: list[Check] = []
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    fetched = context.output_of(fetch.STAGE.key, FetchOutput)
    associated = context.output_of(associate.STAGE.key, AssociateOutput)
    rulebook = context.rulebook
    facts = await load_facts(fetched.judged, context.catalog, context.now)
    complete = LINE_ITEMS not in fetched.truncated and LINE_ITEMS not in fetched.missing
    with applying_rule("line_items_differ"):
        total = deal_value.add_up(fetched.line_items, facts.text("deal_currency_code"), complete=complete)
    with applying_rule("weighted_value"):
        weighted = deal_value.weighted_value(facts)
    since = stage_age.in_stage_since(facts, fetched)
    age = stage_age.days_since(since, facts.today)
    usual = await _usual_days(context, facts)
    checks = hand_off.checklist(facts, fetched, associated, rulebook.hand_off.items)
    findings = grade(_issues(facts, total, age, usual, checks, rulebook.limits), rulebook)
    output = ScoreOutput(
        completeness=completeness(facts, associated, rulebook.completeness),
        totals=total,
        weighted_value=weighted,
        stage_age_days=age,
        usual_stage_age_days=usual,
        days_without_activity=stage_age.days_since(facts.day("hs_last_activity_date"), facts.today),
        priority=worst_severity([*earlier_findings(context), *findings]),
        route=await routing.route(facts, context.hubspot_deal_id, context.catalog, rulebook),
        hand_off=checks,
        findings=findings,
    )
    return StageResult(output, next_check=next_check(facts, since, usual, rulebook.limits))


def _issues(
    facts: DealFacts, total: Totals, age: int | None, usual: int | None, checks: Sequence[Check], limits: Limits
) -> Iterator[Issue]:
    with applying_rule("line_items_differ"):
        yield from deal_value.issues(facts, total, limits.amount_may_differ)
    with applying_rule("long_in_stage"):
        yield from stage_age.issues(facts, age, usual, limits)
    with applying_rule("hand_off_incomplete"):
        yield from hand_off.issues(checks)


def earlier_findings(context: StageContext) -> list[Finding]:
    """The findings of the stages before this one, in their order."""
    return [
        *context.output_of(validate.STAGE.key, validate.ValidateOutput).findings,
        *context.output_of(associate.STAGE.key, AssociateOutput).findings,
        *context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).findings,
    ]


async def _usual_days(context: StageContext, facts: DealFacts) -> int | None:
    """The median age of the deals in the stage; None when there are too few, and for a closed deal."""
    pipeline, stage = facts.text("pipeline"), facts.text("dealstage")
    if not facts.is_open or pipeline is None or stage is None:
        return None
    usual = await context.settings.usual_stage_ages.get(context.database, pipeline, stage, context.now, facts.days)
    enough = context.rulebook.limits.slow_in_stage_among
    return None if usual is None or usual.deals < enough else usual.median_days


STAGE = Stage(
    key="score",
    label="Score",
    run=run,
    needs=(fetch.STAGE.key, validate.STAGE.key, associate.STAGE.key, deduplicate.STAGE.key),
)
