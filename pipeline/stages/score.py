"""Score: how complete the deal is, what it is worth, how long it stands still, how urgently it needs somebody."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel

from pipeline.stage import Stage, StageContext, StageResult
from pipeline.stages import associate, deduplicate, fetch, validate
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.facts import Facts, gather, number
from pipeline.stages.fetch import LineItem
from pipeline.stages.findings import Finding, Severity, worst

# An open deal that stands in one stage longer than a quarter is looked at.
LONG_IN_STAGE_DAYS = 90
# Rounding of discounts and taxes; less is not worth a person's time.
TOTALS_MAY_DIFFER = Decimal("0.01")
CENT = Decimal("0.01")


class Totals(BaseModel):
    """Sum of the line items' net amounts, in the deal's currency; None with `reason` when it cannot be told."""

    line_items: int
    total: Decimal | None
    reason: str | None


class ScoreOutput(BaseModel):
    """`completeness` is 0 to 100; `weighted_value` is amount times probability, in the deal's currency; days are whole.

    `priority` is the worst severity among everything that all stages have found; None when there is nothing to do.
    """

    completeness: int
    totals: Totals
    weighted_value: Decimal | None
    stage_age_days: int | None
    days_without_activity: int | None
    priority: Severity | None
    findings: list[Finding]


# What makes a deal complete, and how much it counts. A next step is asked of open deals only.
COMPLETENESS: tuple[tuple[int, Callable[[Facts, AssociateOutput], bool | None]], ...] = (
    (10, lambda facts, _: facts.text("dealname") is not None),
    (20, lambda facts, _: facts.number("amount") is not None),
    (15, lambda facts, _: facts.instant("closedate") is not None),
    (15, lambda facts, _: facts.owner is not None and not facts.owner.archived),
    (15, lambda _, associated: bool(associated.contact_ids)),
    (15, lambda _, associated: bool(associated.company_ids)),
    (10, lambda facts, _: facts.text("hs_next_step") is not None if facts.is_open else None),
)


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, fetch.FetchOutput)
    associated = context.output_of(associate.STAGE.key, AssociateOutput)
    facts = await gather(snapshot.properties, context.catalog, context.now)
    complete = fetch.LINE_ITEMS not in snapshot.truncated and fetch.LINE_ITEMS not in snapshot.missing
    totals = add_up(snapshot.line_items, facts.text("deal_currency_code"), complete=complete)
    stage_age = _days_since(facts.instant("hs_v2_date_entered_current_stage"), context.now)
    own = [*_amount_findings(facts, totals), *_age_findings(facts, stage_age)]
    output = ScoreOutput(
        completeness=completeness(facts, associated),
        totals=totals,
        weighted_value=_weighted_value(facts),
        stage_age_days=stage_age,
        days_without_activity=_days_since(facts.instant("hs_last_activity_date"), context.now),
        priority=worst([*earlier_findings(context), *own]),
        findings=own,
    )
    return StageResult(output)


def earlier_findings(context: StageContext) -> list[Finding]:
    """Of the stages before this one, in their order."""
    return [
        *context.output_of(validate.STAGE.key, validate.ValidateOutput).findings,
        *context.output_of(associate.STAGE.key, AssociateOutput).findings,
        *context.output_of(deduplicate.STAGE.key, deduplicate.DeduplicateOutput).findings,
    ]


def completeness(facts: Facts, associated: AssociateOutput) -> int:
    answers = [(weight, present) for weight, check in COMPLETENESS if (present := check(facts, associated)) is not None]
    possible = sum(weight for weight, _ in answers)
    return round(100 * sum(weight for weight, present in answers if present) / possible)


def add_up(items: Sequence[LineItem], currency: str | None, *, complete: bool) -> Totals:
    """No total rather than one that leaves something out or mixes currencies."""
    amounts = [number(item.amount) for item in items]
    known = [amount for amount in amounts if amount is not None]
    reason = None
    if not items:
        reason = "The deal has no line items."
    elif not complete or len(known) < len(amounts):
        reason = "Not every line item or its amount could be read."
    elif any(item.currency != currency for item in items if item.currency and currency):
        reason = f"Line items are in other currencies than the deal's {currency}."
    return Totals(line_items=len(items), total=None if reason else sum(known, Decimal()), reason=reason)


def _amount_findings(facts: Facts, totals: Totals) -> list[Finding]:
    amount = facts.number("amount")
    if totals.total is None:
        return [_finding("line_items_not_compared", Severity.INFO, totals.reason)] if totals.line_items else []
    if amount is None:
        message = f"The amount is empty; the line items add up to {totals.total}."
        return [_finding("amount_from_line_items", Severity.INFO, message)]
    if abs(amount - totals.total) <= TOTALS_MAY_DIFFER:
        return []
    message = f"The amount is {amount}, and the line items add up to {totals.total}."
    return [_finding("line_items_differ", Severity.MEDIUM, message)]


def _age_findings(facts: Facts, stage_age: int | None) -> list[Finding]:
    if not facts.is_open or facts.stage is None:
        return []
    if stage_age is None:
        message = "HubSpot does not say since when the deal is in its stage."
        return [_finding("stage_age_unknown", Severity.INFO, message, "dealstage")]
    if stage_age <= LONG_IN_STAGE_DAYS:
        return []
    message = f"The deal has been in stage {facts.stage.label} for {stage_age} days."
    return [_finding("long_in_stage", Severity.MEDIUM, message, "dealstage")]


def _weighted_value(facts: Facts) -> Decimal | None:
    amount = facts.number("amount")
    probability = facts.stage.probability if facts.stage else None
    return None if amount is None or probability is None else (amount * probability).quantize(CENT)


def _days_since(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else max(0, (now - moment).days)


def _finding(rule: str, severity: Severity, message: str | None, name: str = "amount") -> Finding:
    return Finding(rule=rule, severity=severity, property=name, message=message or "")


STAGE = Stage(key="score", label="Score", run=run)
