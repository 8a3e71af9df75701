"""Values that the rules file lists for redaction are not stored."""

import re

from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages.redaction import redacted_contact, redacted_line_item, redacted_properties
from pipeline.stages.stage import StageSettings
from tests.crm.account import Account
from tests.pipeline.stages.processing import Processing, rules


async def test_redacted_values_are_in_no_stored_output(processing: Processing, account: Account) -> None:
    """Rules still know that there was a value, and companies are found by the domain of an address."""
    stored = {"redact": ["contact.email", "contact.name", "deal.hs_next_step", "line_item.name"]}
    processing.settings = StageSettings(
        rulebook=Rulebook.model_validate({**shipped_rulebook().model_dump(), "stored": stored})
    )
    contact = account.contact("secret.person@engines.example", name="Geheim")
    item = account.line_item("5")
    given = {"hs_next_step": "Call the hidden number"}
    outputs = await processing.through(account.deal(given, contacts=[contact], line_items=[item]))
    assert not re.search(r"secret\.person|Geheim|hidden|Licence", repr(outputs))
    assert "next_step_missing" not in rules(outputs["validate"])
    assert outputs["fetch"]["contacts"][0]["domain"] == "engines.example"


def test_only_listed_values_are_redacted() -> None:
    """An empty value stays empty."""
    properties = {"hs_next_step": "Call", "closed_lost_reason": None, "dealname": "Loom"}
    hidden = {"deal.hs_next_step", "deal.closed_lost_reason"}
    assert redacted_properties(properties, hidden) == {
        "hs_next_step": "[redacted]",
        "closed_lost_reason": None,
        "dealname": "Loom",
    }
    assert redacted_line_item({"name": "Licence", "price": "5"}, {"line_item.name"}) == {
        "name": "[redacted]",
        "price": "5",
    }


def test_the_domain_of_a_redacted_address_is_kept() -> None:
    """A name is one value, of two properties."""
    contact = {"email": "ada@Engines.example", "firstname": "Ada", "lastname": "Byron"}
    assert redacted_contact(contact, {"contact.email", "contact.name"}) == {
        "email": "[redacted]",
        "domain": "engines.example",
        "firstname": "[redacted]",
        "lastname": None,
    }
    assert redacted_contact(contact, ()) == {**contact, "domain": "engines.example"}
