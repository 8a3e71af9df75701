"""Redaction: a value that the rules file lists is stored as "[redacted]", which only says that there was a value."""

from collections.abc import Collection, Mapping

from pipeline.stages.email_domain import domain_of

REDACTED = "[redacted]"
# The key that keeps the domain beside a contact's properties: the address itself may be redacted.
DOMAIN = "domain"


def redacted(name: str, value: str | None, hidden: Collection[str]) -> str | None:
    """`name` is the rulebook's, for example contact.email."""
    return REDACTED if value and name in hidden else value


def redacted_properties(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    return {name: redacted(f"deal.{name}", value, hidden) for name, value in properties.items()}


def redacted_contact(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    """The contact's properties as HubSpot names them, and the domain of its address."""
    email = properties.get("email")
    kept = {**properties, DOMAIN: domain_of(email), "email": redacted("contact.email", email, hidden)}
    name = f"{properties.get('firstname') or ''} {properties.get('lastname') or ''}".strip()
    if name and "contact.name" in hidden:
        kept |= {"firstname": REDACTED, "lastname": None}
    return kept


def redacted_line_item(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    return {**properties, "name": redacted("line_item.name", properties.get("name"), hidden)}
