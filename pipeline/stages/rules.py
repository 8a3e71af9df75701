"""The built-in rules: what a deal should have. Whoever adds a rule adds it to RULES."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from pipeline.stages.facts import Facts
from pipeline.stages.findings import Finding, Severity

# HubSpot's own hygiene queries call an open deal stalled after so long without activity.
STALLED_AFTER = timedelta(days=30)
_ISO_4217 = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` answers with what is wrong, as a sentence, or None."""

    name: str
    severity: Severity
    property: str
    check: Callable[[Facts], str | None]


def findings(facts: Facts) -> Iterator[Finding]:
    for rule in RULES:
        if message := rule.check(facts):
            yield Finding(rule=rule.name, severity=rule.severity, property=rule.property, message=message)


def _missing(name: str, what: str) -> Callable[[Facts], str | None]:
    return lambda facts: None if facts.text(name) else f"The deal has no {what}."


def _amount_unreadable(facts: Facts) -> str | None:
    text = facts.text("amount")
    return f"The amount {text[:40]!r} is not a number." if text and facts.number("amount") is None else None


def _amount_not_positive(facts: Facts) -> str | None:
    amount = facts.number("amount")
    return f"The amount is {amount}; a deal is worth more than nothing." if amount is not None and amount <= 0 else None


def _currency_unknown(facts: Facts) -> str | None:
    code = facts.text("deal_currency_code")
    options = {option.value for option in facts.currencies.options} if facts.currencies else set()
    if code is None or (code in options if options else _ISO_4217.fullmatch(code)):
        return None
    return f"The currency {code[:20]!r} is not one of this account."


def _pipeline_unknown(facts: Facts) -> str | None:
    pipeline = facts.text("pipeline")
    if pipeline is None:
        return "The deal is in no pipeline."
    return None if facts.pipeline_known else f"HubSpot has no pipeline {pipeline[:40]!r} (any more)."


def _stage_unknown(facts: Facts) -> str | None:
    if facts.stage is not None:
        return None
    stage = facts.text("dealstage")
    what = f"Its pipeline has no stage {stage[:40]!r}" if stage else "The deal is in no stage"
    return f"{what}; whether it is open cannot be told, so its dates, next step and activity were not checked."


def _close_date_unreadable(facts: Facts) -> str | None:
    text = facts.text("closedate")
    return f"The close date {text[:40]!r} is not a date." if text and facts.instant("closedate") is None else None


def _close_date_missing(facts: Facts) -> str | None:
    return "The deal is open and has no close date." if facts.is_open and not facts.text("closedate") else None


def _close_date_past(facts: Facts) -> str | None:
    due = facts.instant("closedate")
    if not facts.is_open or due is None or due >= facts.now:
        return None
    days = (facts.now - due).days
    return f"The deal is open, and its close date {due:%Y-%m-%d} was {days} {'day' if days == 1 else 'days'} ago."


def _owner_unknown(facts: Facts) -> str | None:
    owner = facts.text("hubspot_owner_id")
    return f"HubSpot has no owner {owner[:40]!r} (any more)." if owner and facts.owner is None else None


def _owner_inactive(facts: Facts) -> str | None:
    return f"The owner {facts.owner.name} is deactivated." if facts.owner and facts.owner.archived else None


def _next_step_missing(facts: Facts) -> str | None:
    return "The deal is open and has no next step." if facts.is_open and not facts.text("hs_next_step") else None


def _lost_reason_missing(facts: Facts) -> str | None:
    lost = facts.is_lost and not facts.text("closed_lost_reason")
    return "The deal is lost, and nobody has said why." if lost else None


def _stalled(facts: Facts) -> str | None:
    last = facts.instant("hs_last_activity_date")
    if not facts.is_open or last is None or facts.now - last <= STALLED_AFTER:
        return None
    return f"The deal is open and has seen no activity for {(facts.now - last).days} days."


RULES: tuple[Rule, ...] = (
    Rule("name_missing", Severity.HIGH, "dealname", _missing("dealname", "name")),
    Rule("amount_missing", Severity.MEDIUM, "amount", _missing("amount", "amount")),
    Rule("amount_unreadable", Severity.HIGH, "amount", _amount_unreadable),
    Rule("amount_not_positive", Severity.HIGH, "amount", _amount_not_positive),
    Rule("currency_unknown", Severity.MEDIUM, "deal_currency_code", _currency_unknown),
    Rule("pipeline_unknown", Severity.HIGH, "pipeline", _pipeline_unknown),
    Rule("stage_unknown", Severity.HIGH, "dealstage", _stage_unknown),
    Rule("close_date_missing", Severity.MEDIUM, "closedate", _close_date_missing),
    Rule("close_date_unreadable", Severity.MEDIUM, "closedate", _close_date_unreadable),
    Rule("close_date_past", Severity.HIGH, "closedate", _close_date_past),
    Rule("owner_missing", Severity.HIGH, "hubspot_owner_id", _missing("hubspot_owner_id", "owner")),
    Rule("owner_unknown", Severity.HIGH, "hubspot_owner_id", _owner_unknown),
    Rule("owner_inactive", Severity.HIGH, "hubspot_owner_id", _owner_inactive),
    Rule("next_step_missing", Severity.LOW, "hs_next_step", _next_step_missing),
    Rule("lost_reason_missing", Severity.MEDIUM, "closed_lost_reason", _lost_reason_missing),
    Rule("stalled", Severity.MEDIUM, "hs_last_activity_date", _stalled),
)
