"""The built-in rules: what a deal should have. A new rule is an entry in RULES and its name in the rulebook."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.days import in_days
from crm.records import FIRST_YEAR, LAST_YEAR
from pipeline.rulebook import Rulebook, RuleName
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.findings import Issue, applying_rule

_ISO_4217 = re.compile(r"[A-Z]{3}", re.ASCII)


Check = Callable[[DealFacts], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` returns a sentence about what is wrong, or None."""

    name: RuleName
    property: str
    check: Check


def issues(facts: DealFacts, rulebook: Rulebook) -> Iterator[Issue]:
    """StageFailed, with the rule's name, when a rule raises."""
    for rule in (*RULES, Rule("stalled", "hs_last_activity_date", _stalled(rulebook))):
        with applying_rule(rule.name):
            message = rule.check(facts)
        if message:
            yield Issue(rule.name, message, rule.property)
    yield from _required(facts, rulebook)


def _required(facts: DealFacts, rulebook: Rulebook) -> Iterator[Issue]:
    """Properties that the rulebook requires of deals in this stage."""
    if facts.pipeline is None or facts.stage is None:
        return
    for name in rulebook.required.get(facts.pipeline.id, {}).get(facts.stage.id, []):
        if not facts.text(name):
            message = f"A deal in stage {facts.stage.label} must have a value in {name}."
            yield Issue("required_missing", message, name)


def _missing(name: str, what: str) -> Check:
    return lambda facts: None if facts.text(name) else f"The deal has no {what}."


def _amount_unreadable(facts: DealFacts) -> str | None:
    text = facts.text("amount")
    return f"The amount {text[:40]!r} is not a number." if text and facts.number("amount") is None else None


def _amount_not_positive(facts: DealFacts) -> str | None:
    amount = facts.number("amount")
    return f"The amount is {amount}; it should be more than 0." if amount is not None and amount <= 0 else None


def _currency_unknown(facts: DealFacts) -> str | None:
    code = facts.text("deal_currency_code")
    options = {option.value for option in facts.currencies.options} if facts.currencies else set()
    if code is None or (code in options if options else _ISO_4217.fullmatch(code)):
        return None
    return f"The currency {code[:20]!r} is not one of this account."


def _pipeline_unknown(facts: DealFacts) -> str | None:
    pipeline = facts.text("pipeline")
    if pipeline is None:
        return "The deal is in no pipeline."
    return None if facts.pipeline else f"HubSpot has no pipeline {pipeline[:40]!r} (any more)."


def _stage_unknown(facts: DealFacts) -> str | None:
    if facts.stage is not None:
        return None
    stage = facts.text("dealstage")
    what = f"Its pipeline has no stage {stage[:40]!r}" if stage else "The deal is in no stage"
    return f"{what}; it is unknown whether the deal is open, so its dates, next step and activity were not checked."


def _close_date_unreadable(facts: DealFacts) -> str | None:
    text = facts.text("closedate")
    if text is None or facts.instant("closedate") is not None:
        return None
    return f"The close date {text[:40]!r} is not a date between {FIRST_YEAR} and {LAST_YEAR}."


def _close_date_missing(facts: DealFacts) -> str | None:
    return "The deal is open and has no close date." if facts.is_open and not facts.text("closedate") else None


def _close_date_past(facts: DealFacts) -> str | None:
    """From the day after the close date on: until that day ends, the deal may close in time."""
    due = facts.day("closedate")
    if not facts.is_open or due is None or due >= facts.today:
        return None
    return f"The deal is open, and its close date {due} was {in_days((facts.today - due).days)} ago."


def _owner_unknown(facts: DealFacts) -> str | None:
    owner = facts.text("hubspot_owner_id")
    return f"HubSpot has no owner {owner[:40]!r} (any more)." if owner and facts.owner is None else None


def _owner_inactive(facts: DealFacts) -> str | None:
    return f"The owner {facts.owner.name} is deactivated." if facts.owner and facts.owner.archived else None


def _next_step_missing(facts: DealFacts) -> str | None:
    return "The deal is open and has no next step." if facts.is_open and not facts.text("hs_next_step") else None


def _lost_reason_missing(facts: DealFacts) -> str | None:
    lost = facts.is_lost and not facts.text("closed_lost_reason")
    return "The deal is lost and has no reason for it." if lost else None


def _stalled(rulebook: Rulebook) -> Check:
    """Counted from the last activity; for a deal without any, from its creation."""
    after = rulebook.limits.stalled_after_days

    def check(facts: DealFacts) -> str | None:
        last, created = facts.day("hs_last_activity_date"), facts.day("createdate")
        since = last or created
        if not facts.is_open or since is None or (days := (facts.today - since).days) <= after:
            return None
        if last is None:
            return f"The deal is open, was created {in_days(days)} ago and has had no activity yet."
        return f"The deal is open and has had no activity for {in_days(days)}."

    return check


RULES: tuple[Rule, ...] = (
    Rule("name_missing", "dealname", _missing("dealname", "name")),
    Rule("amount_missing", "amount", _missing("amount", "amount")),
    Rule("amount_unreadable", "amount", _amount_unreadable),
    Rule("amount_not_positive", "amount", _amount_not_positive),
    Rule("currency_unknown", "deal_currency_code", _currency_unknown),
    Rule("pipeline_unknown", "pipeline", _pipeline_unknown),
    Rule("stage_unknown", "dealstage", _stage_unknown),
    Rule("close_date_missing", "closedate", _close_date_missing),
    Rule("close_date_unreadable", "closedate", _close_date_unreadable),
    Rule("close_date_past", "closedate", _close_date_past),
    Rule("owner_missing", "hubspot_owner_id", _missing("hubspot_owner_id", "owner")),
    Rule("owner_unknown", "hubspot_owner_id", _owner_unknown),
    Rule("owner_inactive", "hubspot_owner_id", _owner_inactive),
    Rule("next_step_missing", "hs_next_step", _next_step_missing),
    Rule("lost_reason_missing", "closed_lost_reason", _lost_reason_missing),
)
