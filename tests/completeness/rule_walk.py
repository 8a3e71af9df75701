"""For each rule: what makes it find something, and what mends that. Times are relative to the account's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.rulebook import Rulebook, RuleName
from sandbox.account.owners import ACTIVE_OWNERS, INACTIVE_OWNER
from tests.pipeline.stages.example_facts import changed_rulebook

SHIPPED = changed_rulebook()
OPEN, LOST, WON = "qualifiedtobuy", "closedlost", "closedwon"
# A stage of its own for `slow_in_stage`: its median is that of the deals there.
RARE = "presentationscheduled"
WALKED: Rulebook = changed_rulebook(
    required={"default": {"contractsent": ["dealtype"]}},
    hand_off={"items": ["won_reason"]},
    stored={"redact": ["deal.hs_next_step"]},
    limits={**SHIPPED.limits.model_dump(), "slow_in_stage_among": 2},
)


@dataclass(frozen=True, slots=True)
class Walk:
    """`wrong` and `right` are properties of the deal, set on top of a deal that is all right."""

    wrong: Mapping[str, str]
    right: Mapping[str, str] = field(default_factory=dict)
    reported_as: str | None = None
    # The price of a line item of the deal in EUR.
    line_item: str | None = None


def all_right(now: datetime) -> dict[str, str]:
    """An open deal without a finding about its properties."""
    return {
        "dealname": "A deal",
        "amount": "1200",
        "deal_currency_code": "EUR",
        "pipeline": "default",
        "dealstage": OPEN,
        "closedate": text(now + timedelta(days=60)),
        "hubspot_owner_id": str(ACTIVE_OWNERS[0].id),
        "hs_next_step": "Send the quote",
        "hs_last_activity_date": text(now),
        "hs_v2_date_entered_current_stage": text(now),
    }


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def walks(now: datetime) -> dict[RuleName, Walk]:
    """The rules that read properties of the deal."""

    def ago(days: int) -> str:
        return text(now - timedelta(days=days))

    return {
        "name_missing": Walk({"dealname": ""}),
        "amount_missing": Walk({"amount": ""}),
        "amount_unreadable": Walk({"amount": "1,800.00"}),
        "amount_not_positive": Walk({"amount": "-5"}),
        "currency_unknown": Walk({"deal_currency_code": "XXX"}),
        "pipeline_unknown": Walk({"pipeline": "gone"}),
        "stage_unknown": Walk({"dealstage": "gone"}),
        "close_date_missing": Walk({"closedate": ""}),
        "close_date_unreadable": Walk({"closedate": "0001-01-01T00:00:00Z"}),
        "close_date_past": Walk({"closedate": ago(2)}),
        "owner_missing": Walk({"hubspot_owner_id": ""}),
        "owner_unknown": Walk({"hubspot_owner_id": "999"}),
        "owner_inactive": Walk({"hubspot_owner_id": str(INACTIVE_OWNER.id)}),
        "next_step_missing": Walk({"hs_next_step": ""}),
        "lost_reason_missing": Walk(
            {"dealstage": LOST, "closed_lost_reason": ""}, {"dealstage": LOST, "closed_lost_reason": "Price"}
        ),
        "stalled": Walk({"hs_last_activity_date": ago(40)}),
        "required_missing": Walk(
            {"dealstage": "contractsent", "dealtype": ""}, {"dealstage": "contractsent", "dealtype": "newbusiness"}
        ),
        "value_unreadable": Walk({"createdate": "soon"}, {"createdate": ago(1)}),
        "text_damaged": Walk({"hs_priority": "hi\ufffdh"}, {"hs_priority": "high"}),
        "account_rule": Walk({"amount": "100"}, reported_as="account_min_number"),
        "account_rule_unchecked": Walk({"hs_next_step": "Call"}, {"hs_next_step": ""}),
        "duplicates_not_searched": Walk({"dealname": ""}),
        "duplicate_suspected": Walk({"amount": "7000"}, {"amount": "1200"}),
        "line_items_differ": Walk({"amount": "1500"}, line_item="1200"),
        "line_items_not_compared": Walk({"deal_currency_code": "USD"}, line_item="1200"),
        "amount_from_line_items": Walk({"amount": ""}, line_item="1200"),
        "long_in_stage": Walk({"hs_v2_date_entered_current_stage": ago(100)}),
        "slow_in_stage": Walk(
            {"dealstage": RARE, "hs_v2_date_entered_current_stage": ago(20)},
            {"dealstage": RARE, "hs_v2_date_entered_current_stage": ago(0)},
        ),
        "hand_off_incomplete": Walk(
            {"dealstage": WON, "closed_won_reason": ""}, {"dealstage": WON, "closed_won_reason": "Price"}
        ),
    }  # fmt: skip


def tomorrow(now: datetime) -> dict[RuleName, Mapping[str, str]]:
    """What is right until the account's next midnight."""

    def ago(days: int) -> str:
        return text(now - timedelta(days=days))

    limits = WALKED.limits
    return {
        "close_date_past": {"closedate": ago(0)},
        "stalled": {"hs_last_activity_date": ago(limits.stalled_after_days)},
        "long_in_stage": {"hs_v2_date_entered_current_stage": ago(limits.long_in_stage_days)},
        "slow_in_stage": {
            "dealstage": RARE,
            "hs_v2_date_entered_current_stage": ago(limits.slow_in_stage_at_least_days - 1),
        },
    }
