"""How complete a deal is: the weights of the parts that it has, as a share of the weights of all parts."""

from collections.abc import Callable

from pipeline.rulebook.tables import Completeness
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import DealFacts

# The weight of each part, and whether the deal has it; None when the part does not count (a closed deal's next step).
PARTS: tuple[tuple[Callable[[Completeness], int], Callable[[DealFacts, AssociateOutput], bool | None]], ...] = (
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


def completeness(facts: DealFacts, associated: AssociateOutput, weights: Completeness) -> int:
    """0 to 100."""
    parts = [(weight(weights), is_there(facts, associated)) for weight, is_there in PARTS]
    counted = [(weight, present) for weight, present in parts if present is not None]
    return round(100 * sum(weight for weight, present in counted if present) / sum(weight for weight, _ in counted))
