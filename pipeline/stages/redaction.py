"""What is not kept: values that the rulebook lists are stored as a word that says that there was one."""

from collections.abc import Collection, Mapping

REDACTED = "[redacted]"


def redacted(name: str, value: str | None, hidden: Collection[str]) -> str | None:
    """`name` is the rulebook's, for example contact.email."""
    return REDACTED if value and name in hidden else value


def redacted_properties(properties: Mapping[str, str | None], hidden: Collection[str]) -> dict[str, str | None]:
    return {name: redacted(f"deal.{name}", value, hidden) for name, value in properties.items()}
