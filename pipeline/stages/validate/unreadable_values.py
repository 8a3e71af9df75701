"""What of HubSpot's record could not be read, and which texts have lost a character on their way to us."""

from collections.abc import Collection, Iterator

from crm.json_body import REPLACEMENT
from crm.properties import DATES, NUMBERS
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.findings import Issue

# Rules of their own find them: amount_unreadable, close_date_unreadable.
_HAVE_RULES = ("amount", "closedate")


def issues(facts: DealFacts, unreadable: Collection[str]) -> Iterator[Issue]:
    """`unreadable` are the fields that fetch could not read, whatever they should be."""
    for name in dict.fromkeys((*facts.properties, *unreadable)):
        text = facts.text(name)
        if name in _HAVE_RULES:
            continue
        if name in unreadable or not _is_readable(facts, name):
            shown = "" if text is None else f": {text[:40]!r}"
            yield Issue("value_unreadable", f"The value of {name} in HubSpot cannot be read{shown}.", name)
        elif text and REPLACEMENT in text:
            message = f"The value of {name} in HubSpot has lost a character, which is shown as {REPLACEMENT}."
            yield Issue("text_damaged", message, name)


def _is_readable(facts: DealFacts, name: str) -> bool:
    if facts.text(name) is None:
        return True
    return not (name in DATES and facts.instant(name) is None) and not (name in NUMBERS and facts.number(name) is None)
