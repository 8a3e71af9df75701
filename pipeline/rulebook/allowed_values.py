"""The values that the rules file may contain where the choice is fixed: rules, severities, redactable values."""

from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """From worst to harmless. INFO reports what is unknown or was not checked; it calls for no action."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


# A finding's severity, or that it is not reported.
SeverityOrOff = Literal["high", "medium", "low", "info", "off"]

# In the order of the stages that find them: validate, associate, deduplicate, score.
RuleName = Literal[
    "name_missing",
    "amount_missing",
    "amount_unreadable",
    "amount_not_positive",
    "currency_unknown",
    "pipeline_unknown",
    "stage_unknown",
    "close_date_missing",
    "close_date_unreadable",
    "close_date_past",
    "owner_missing",
    "owner_unknown",
    "owner_inactive",
    "next_step_missing",
    "lost_reason_missing",
    "stalled",
    "value_unreadable",
    "text_damaged",
    "required_missing",
    "account_rule",
    "account_rule_unchecked",
    "contact_missing",
    "company_missing",
    "primary_company_missing",
    "associated_record_missing",
    "associations_truncated",
    "duplicate_suspected",
    "duplicates_not_searched",
    "line_items_differ",
    "line_items_not_compared",
    "amount_from_line_items",
    "long_in_stage",
    "slow_in_stage",
    "stage_age_unknown",
    "hand_off_incomplete",
]

# Only values that no later stage needs; whether there was a value is still known.
Redactable = Literal[
    "contact.email",
    "contact.name",
    "line_item.name",
    "deal.hs_next_step",
    "deal.closed_lost_reason",
    "deal.closed_won_reason",
]

HandOffItem = Literal["amount", "close_date", "owner", "contact", "company", "line_items", "won_reason"]
