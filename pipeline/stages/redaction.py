"""What is not kept: values that the rulebook lists are stored as a word that says that there was one."""

from collections.abc import Collection, Mapping

from pipeline.stages.email_domain import domain_of

REDACTED = "[redacted]"
# Beside a contact's properties when its address may be redacted: what is needed of the address.
DOMAIN = "domain"


def redacted(name: str, value: str | None, hidden: Collection[str]) -> str | None:
    """`name` is the rulebook's, for example contact.email."""
    return REDACTED if value and name in hidden else value


def redacted_properties(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    return {name: redacted(f"deal.{name}", value, hidden) for name, value in properties.items()}


def redacted_contact(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    """As HubSpot has it, for what is made of it later; with the domain of the address."""
    email = properties.get("email")
    kept = {**properties, DOMAIN: domain_of(email), "email": redacted("contact.email", email, hidden)}
    name = f"{properties.get('firstname') or ''} {properties.get('lastname') or ''}".strip()
    if name and "contact.name" in hidden:
        kept |= {"firstname": REDACTED, "lastname": None}
    return kept


def redacted_line_item(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    return {**properties, "name": redacted("line_item.name", properties.get("name"), hidden)}
