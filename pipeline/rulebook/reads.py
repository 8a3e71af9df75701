"""The deal's properties that each rule reads: a change of one of them may change a finding.

Rules also look at associated records, at other deals and at the date: docs/stages.md says what follows their changes.
"""

from collections.abc import Mapping
from itertools import chain

from crm.properties import PROPERTIES
from pipeline.rulebook.allowed_values import RuleName
from pipeline.rulebook.tables import Rulebook

# Whether the deal is open, won or lost.
_STAGE = ("pipeline", "dealstage")
# HubSpot counts the associated records; the counts change with them.
_CONTACTS, _LINE_ITEMS = "num_associated_contacts", "hs_num_of_associated_line_items"
_COMPARED = ("dealname", "amount", "deal_currency_code", "createdate", *_STAGE)
_AGE = (*_STAGE, "hs_v2_date_entered_current_stage")
# HubSpot moves the modification time with every write: its change says nothing about a finding.
_ALL = tuple(name for name in PROPERTIES if name != "hs_lastmodifieddate")

READS: Mapping[RuleName, tuple[str, ...]] = {
    "name_missing": ("dealname",),
    "amount_missing": ("amount",),
    "amount_unreadable": ("amount",),
    "amount_not_positive": ("amount",),
    "currency_unknown": ("deal_currency_code",),
    "pipeline_unknown": ("pipeline",),
    "stage_unknown": _STAGE,
    "close_date_missing": (*_STAGE, "closedate"),
    "close_date_unreadable": ("closedate",),
    "close_date_past": (*_STAGE, "closedate"),
    "owner_missing": ("hubspot_owner_id",),
    "owner_unknown": ("hubspot_owner_id",),
    "owner_inactive": ("hubspot_owner_id",),
    "next_step_missing": (*_STAGE, "hs_next_step"),
    "lost_reason_missing": (*_STAGE, "closed_lost_reason"),
    "stalled": (*_STAGE, "hs_last_activity_date", "createdate"),
    # And what the rules file requires.
    "required_missing": _STAGE,
    "value_unreadable": _ALL,
    "text_damaged": _ALL,
    # What the account's admins have set rules for: the scheduler asks HubSpot.
    "account_rule": (),
    "account_rule_unchecked": (),
    "contact_missing": (_CONTACTS,),
    "company_missing": (_CONTACTS,),
    "primary_company_missing": (),
    "associated_record_missing": (_CONTACTS, _LINE_ITEMS),
    "associations_truncated": (_CONTACTS, _LINE_ITEMS),
    "duplicate_suspected": _COMPARED,
    "duplicates_not_searched": (*_STAGE, "dealname", _CONTACTS),
    "line_items_differ": ("amount", "deal_currency_code", _LINE_ITEMS),
    "line_items_not_compared": ("amount", "deal_currency_code", _LINE_ITEMS),
    "amount_from_line_items": ("amount", "deal_currency_code", _LINE_ITEMS),
    "long_in_stage": _AGE,
    "slow_in_stage": _AGE,
    "stage_age_unknown": _AGE,
    "hand_off_incomplete": (
        *_STAGE, "amount", "closedate", "hubspot_owner_id", "closed_won_reason", _CONTACTS, _LINE_ITEMS,
    ),
}  # fmt: skip


def read_by_rules(rulebook: Rulebook) -> tuple[str, ...]:
    """Every property that a rule of this rulebook reads, in the order of PROPERTIES; a rule that is off reads none."""
    required = chain.from_iterable(chain.from_iterable(stages.values()) for stages in rulebook.required.values())
    applied = (names for rule, names in READS.items() if rulebook.severity[rule] != "off")
    read = {*chain.from_iterable(applied), *required}
    return tuple(name for name in PROPERTIES if name in read)
