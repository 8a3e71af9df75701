"""The words that may stand in the rules file where it is not free: rules, severities, and what they are about."""

from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """From worst to harmless. INFO says what is not known or was not checked; nobody has to act on it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


# A finding's severity, or that it is not told.
Grade = Literal["high", "medium", "low", "info", "off"]

# In the order of the stages that look: validate, associate, deduplicate, score.
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

# Only what no later stage needs the value of: whether there is one is still told.
Redactable = Literal[
    "contact.email",
    "contact.name",
    "line_item.name",
    "deal.hs_next_step",
    "deal.closed_lost_reason",
    "deal.closed_won_reason",
]

HandOffItem = Literal["amount", "close_date", "owner", "contact", "company", "line_items", "won_reason"]
