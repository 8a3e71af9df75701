"""The rulebook knows every property that a rule reads: what it does not know would start no run when it changes."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from crm.properties import PROPERTIES
from pipeline.rulebook import READS, RuleName, read_by_rules, shipped_rulebook
from pipeline.rulebook.allowed_values import SeverityOrOff
from pipeline.rulebook.tables import HandOff
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.deduplicate import deduplicate
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.score import deal_value, hand_off, stage_age
from pipeline.stages.score.completeness import completeness
from pipeline.stages.score.deal_value import Totals
from pipeline.stages.validate import built_in_rules
from tests.pipeline.stages.example_facts import GOOD, LOST, NOW, OPEN, WON, changed_rulebook, facts

FETCHED = FetchOutput(
    read_at=NOW, properties={}, contacts=[], companies=[], line_items=[], missing={}, truncated=[], stage_history=[]
)
ASSOCIATED = AssociateOutput(company_ids=[], primary_company_id=None, contact_ids=[], suggestions=[], findings=[])
# What the facts hold of HubSpot's own definitions, and the properties that name these.
LOOKED_UP: Mapping[str, tuple[str, ...]] = {
    "stage": ("pipeline", "dealstage"),
    "pipeline": ("pipeline",),
    "owner": ("hubspot_owner_id",),
}


class Recording(Mapping[str, str | None]):
    """A deal's properties that remember which of them were read."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = values
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str | None:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class RecordingFacts(DealFacts):
    """Facts that remember the properties behind the definitions that were looked up, too."""

    def __getattribute__(self, name: str) -> Any:
        if name in LOOKED_UP:
            properties = object.__getattribute__(self, "properties")
            assert isinstance(properties, Recording)
            properties.read |= {*LOOKED_UP[name]}
        return super().__getattribute__(name)


def deals() -> Iterator[DealFacts]:
    """Open, won, lost and of no stage; with all values, with none and with values that cannot be read."""
    for stage in (OPEN, WON, LOST, None):
        for value in (None, "", "nonsense", "-1", "2020-01-01"):
            yield facts(stage=stage, **dict.fromkeys(GOOD.keys() - {"pipeline"}, value))
        yield facts(stage=stage)


def recording(deal: DealFacts) -> tuple[RecordingFacts, Recording]:
    values = Recording({**dict.fromkeys(PROPERTIES), **deal.properties})
    fields = {name: getattr(deal, name) for name in DealFacts.__dataclass_fields__}
    return RecordingFacts(**{**fields, "properties": values}), values


def test_every_rule_says_what_it_reads() -> None:
    """Only properties that are read from HubSpot at all."""
    assert READS.keys() == set(get_args(RuleName))
    assert {name for names in READS.values() for name in names} <= set(PROPERTIES)


@pytest.mark.parametrize("rule", built_in_rules.RULES, ids=lambda rule: rule.name)
def test_a_built_in_rule_reads_nothing_else(rule: built_in_rules.Rule) -> None:
    """Whatever the deal is like."""
    read: set[str] = set()
    for deal in deals():
        watched, values = recording(deal)
        rule.check(watched)
        read |= values.read
    assert read <= set(READS[rule.name])


def test_the_other_stages_read_nothing_else() -> None:
    """Stalled deals, age, value, hand-off, completeness and comparison with other deals."""
    rulebook = changed_rulebook(hand_off=HandOff(items=list(hand_off.HAND_OFF)).model_dump())
    totals = Totals(line_items=1, total=None, reason="")
    read: set[str] = set()
    for deal in deals():
        watched, values = recording(deal)
        list(built_in_rules.issues(watched, rulebook))
        list(deal_value.issues(watched, totals, rulebook.limits.amount_may_differ))
        deal_value.weighted_value(watched)
        list(stage_age.issues(watched, stage_age.days_since(NOW.date(), NOW.date()), 1, rulebook.limits))
        stage_age.in_stage_since(watched, FETCHED)
        hand_off.checklist(watched, FETCHED, ASSOCIATED, rulebook.hand_off.items)
        completeness(watched, ASSOCIATED, rulebook.completeness)
        deduplicate._comparable(values)
        read |= values.read
    assert read <= set(read_by_rules(rulebook))


def test_every_property_is_read_but_the_modification_time() -> None:
    """A value of any of them may be unreadable; HubSpot moves the modification time with every write."""
    assert set(read_by_rules(shipped_rulebook())) == set(PROPERTIES) - {"hs_lastmodifieddate"}


def test_a_rule_that_is_off_reads_nothing() -> None:
    """Then only what another rule reads, or the rules file requires in any pipeline and stage, starts a run."""
    of_any_value: dict[RuleName, SeverityOrOff] = {"value_unreadable": "off", "text_damaged": "off"}
    severity = shipped_rulebook().severity | of_any_value
    narrow = read_by_rules(changed_rulebook(severity=severity))
    assert "amount" in narrow
    assert not {"dealtype", "hs_priority", "hs_lastmodifieddate"} & set(narrow)
    required = {"default": {"contractsent": ["dealtype"], "closedwon": ["hs_priority"]}}
    requiring = changed_rulebook(severity=severity, required=required)
    assert set(read_by_rules(requiring)) - set(narrow) == {"dealtype", "hs_priority"}
