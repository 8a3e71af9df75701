"""The hand-off checklist: what the next team needs of a deal that is won."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import BaseModel

from pipeline.rulebook.allowed_values import HandOffItem
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.findings import Issue


class Check(BaseModel):
    item: str
    is_there: bool


def checklist(
    facts: DealFacts, fetched: FetchOutput, associated: AssociateOutput, items: Sequence[HandOffItem]
) -> list[Check]:
    """Empty unless the deal is won."""
    if not facts.is_won:
        return []
    return [Check(item=item, is_there=HAND_OFF[item](facts, fetched, associated)) for item in items]


def issues(checks: Sequence[Check]) -> Iterator[Issue]:
    if missing := [check.item.replace("_", " ") for check in checks if not check.is_there]:
        yield Issue("hand_off_incomplete", f"The deal is won, but its hand-off lacks: {', '.join(missing)}.")


HAND_OFF: Mapping[HandOffItem, Callable[[DealFacts, FetchOutput, AssociateOutput], bool]] = {
    "amount": lambda facts, _, __: facts.number("amount") is not None,
    "close_date": lambda facts, _, __: facts.instant("closedate") is not None,
    "owner": lambda facts, _, __: facts.has_owner,
    "contact": lambda _, __, associated: bool(associated.contact_ids),
    "company": lambda _, __, associated: bool(associated.company_ids),
    "line_items": lambda _, fetched, __: bool(fetched.line_items),
    "won_reason": lambda facts, _, __: facts.text("closed_won_reason") is not None,
}
