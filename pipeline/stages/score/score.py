"""Score: how complete the deal is, what it is worth, how long it stands still, who should have it, how urgent it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from pydantic import BaseModel

from pipeline.rulebook import RuleName, Severity
from pipeline.rulebook.tables import Completeness
from pipeline.stages import associate
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import Facts, gather
from pipeline.stages.deduplicate import deduplicate
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.fetch import FetchOutput
from pipeline.stages.findings import Finding, Issue, applying, graded, worst
from pipeline.stages.score import deal_value, routing, stage_age
from pipeline.stages.score.deal_value import Totals
from pipeline.stages.score.routing import Check, Route
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.stages.validate import validate


class ScoreOutput(BaseModel):
    """`completeness` is 0 to 100; `weighted_value` is amount times probability, in the deal's currency; days are whole.

    `usual_stage_age_days` is the median of the deals in the same stage; None when there are too few.
    `priority` is the worst severity among everything that all stages have found; None when there is nothing to do.
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


# What makes a deal complete. A next step is asked of open deals only.
COMPLETENESS: tuple[tuple[Callable[[Completeness], int], Callable[[Facts, AssociateOutput], bool | None]], ...] = (
    (lambda weights: weights.name, lambda facts, _: facts.text("dealname") is not None),
    (lambda weights: weights.amount, lambda facts, _: facts.number("amount") is not None),
    (lambda weights: weights.close_date, lambda facts, _: facts.instant("closedate") is not None),
    (lambda weights: weights.owner, lambda facts, _: facts.has_owner),
    (lambda weights: weights.contact, lambda _, associated: bool(associated.contact_ids)),
    (lambda weights: weights.company, lambda _, associated: bool(associated.company_ids)),
    (
        lambda weights: weights.next_step,
        lambda facts, _: facts.text("hs_next_step") is not None if facts.is_open else None,
    ),
)


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, FetchOutput)
    associated = context.output_of(associate.STAGE.key, AssociateOutput)
    rulebook, limits = context.rulebook, context.rulebook.limits
    facts = await gather(snapshot.properties, context.catalog, context.now)
    with applying("line_items_differ"):
        total = _total(facts, snapshot)
    with applying("weighted_value"):
        weighted = deal_value.weighted_value(facts)
    age = stage_age.days_since(stage_age.in_stage_since(facts, snapshot), context.now)
    usual = await _usual_days(context, facts)
    checks = routing.checklist(facts, snapshot, associated, rulebook.hand_off.items)
    looks: dict[RuleName, Callable[[], Iterable[Issue]]] = {
        "line_items_differ": lambda: deal_value.issues(facts, total, limits.amount_may_differ),
        "long_in_stage": lambda: stage_age.issues(facts, age, usual, limits),
        "hand_off_incomplete": lambda: routing.issues(checks),
    }
    own = graded(_found(looks), rulebook)
    output = ScoreOutput(
        completeness=completeness(facts, associated, rulebook.completeness),
        totals=total,
        weighted_value=weighted,
        stage_age_days=age,
        usual_stage_age_days=usual,
        days_without_activity=stage_age.days_since(facts.instant("hs_last_activity_date"), context.now),
        priority=worst([*earlier_findings(context), *own]),
        route=await routing.route(facts, context.hubspot_deal_id, context.catalog, rulebook),
        hand_off=checks,
        findings=own,
    )
    return StageResult(output)


def _found(looks: Mapping[RuleName, Callable[[], Iterable[Issue]]]) -> Iterator[Issue]:
    for rule, look in looks.items():
        with applying(rule):
            yield from look()


def earlier_findings(context: StageContext) -> list[Finding]:
    """Of the stages before this one, in their order."""
    return [
        *context.output_of(validate.STAGE.key, validate.ValidateOutput).findings,
        *context.output_of(associate.STAGE.key, AssociateOutput).findings,
        *context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).findings,
    ]


def completeness(facts: Facts, associated: AssociateOutput, weights: Completeness) -> int:
    answers = [(weight(weights), is_there(facts, associated)) for weight, is_there in COMPLETENESS]
    asked = [(weight, present) for weight, present in answers if present is not None]
    return round(100 * sum(weight for weight, present in asked if present) / sum(weight for weight, _ in asked))


def _total(facts: Facts, snapshot: FetchOutput) -> Totals:
    complete = fetch.LINE_ITEMS not in snapshot.truncated and fetch.LINE_ITEMS not in snapshot.missing
    return deal_value.add_up(snapshot.line_items, facts.text("deal_currency_code"), complete=complete)


async def _usual_days(context: StageContext, facts: Facts) -> int | None:
    """Nothing is compared for a deal that is closed."""
    pipeline, stage = facts.text("pipeline"), facts.text("dealstage")
    if not facts.is_open or pipeline is None or stage is None:
        return None
    usual = await context.terms.ages.usual(context.database, pipeline, stage, context.now)
    return stage_age.usual_days(usual, context.rulebook.limits)


STAGE = Stage(
    key="score",
    label="Score",
    run=run,
    needs=(fetch.STAGE.key, validate.STAGE.key, associate.STAGE.key, deduplicate.STAGE.key),
)
