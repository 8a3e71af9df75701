"""The records of the output are made of HubSpot's properties, redacted where the rules file says so."""

from crm.records import CrmRecord
from pipeline.stages.fetch.output import Contact, LineItem, contact, line_item


def test_a_contact_has_one_name_and_the_domain_of_its_address() -> None:
    properties: dict[str, str | None] = {
        "firstname": "Ada", "lastname": "Byron", "email": "ada@engines.example", "associatedcompanyid": "9"
    }  # fmt: skip
    record = CrmRecord("1", properties, archived=False)
    assert contact(record, {"contact.email"}) == Contact(
        id="1", name="Ada Byron", email="[redacted]", domain="engines.example", company_id="9"
    )


def test_the_domain_of_an_address_that_was_redacted_before_is_kept() -> None:
    """A snapshot stores it beside the address."""
    record = CrmRecord("1", {"email": "[redacted]", "domain": "engines.example"}, archived=False)
    assert contact(record, {"contact.email"}) == Contact(id="1", email="[redacted]", domain="engines.example")


def test_a_line_item_keeps_its_figures_as_text() -> None:
    record = CrmRecord("1", {"name": "Licence", "price": "5.00", "amount": "10.00", "quantity": "2"}, archived=False)
    assert line_item(record, {"line_item.name"}) == LineItem(
        id="1", name="[redacted]", quantity="2", price="5.00", amount="10.00"
    )
