"""The definition of a property, constructors for each type of property, and the validation of values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.account.timestamps import iso, parse_timestamp

# The types of properties, each with its field types (developers.hubspot.com, guide "Properties").
FIELD_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("text", "textarea", "file", "html", "phonenumber"),
    "number": ("number",),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox",),
}
BOOL_OPTIONS = (("true", "True"), ("false", "False"))


@dataclass(frozen=True, slots=True)
class Property:
    """A definition. `options` are (value, label) pairs; an enumeration without options accepts every value."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = ""
    options: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hubspot_defined: bool = True

    def body(self) -> dict[str, Any]:
        """The form of GET /crm/properties."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": self.group,
            "description": "",
            "options": [
                {"label": label, "value": value, "displayOrder": order, "hidden": False}
                for order, (value, label) in enumerate(self.options)
            ],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.type == "enumeration" and not self.options,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": self.hubspot_defined,
            "formField": not self.read_only,
            "archived": False,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
        }


def text(name: str, label: str, *, unique: bool = False) -> Property:
    return Property(name, label, unique=unique)


def textarea(name: str, label: str) -> Property:
    return Property(name, label, field_type="textarea")


def number(name: str, label: str) -> Property:
    return Property(name, label, "number", "number")


def instant(name: str, label: str) -> Property:
    """HubSpot's date picker with a time: type datetime, field type date."""
    return Property(name, label, "datetime", "date")


def choice(name: str, label: str, options: Iterable[tuple[str, str]] = ()) -> Property:
    return Property(name, label, "enumeration", "select", options=tuple(options))


def flag(name: str, label: str) -> Property:
    return Property(name, label, "bool", "booleancheckbox", options=BOOL_OPTIONS)


def set_by_hubspot(*definitions: Property) -> tuple[Property, ...]:
    """Maintained by HubSpot: a write of one is refused."""
    return tuple(replace(definition, read_only=True) for definition in definitions)


def calculated(*definitions: Property) -> tuple[Property, ...]:
    """Computed when read; a change of the value does not change the modification time (docs/sandbox.md)."""
    return tuple(
        replace(definition, field_type="calculation_equation", read_only=True, calculated=True)
        for definition in definitions
    )


def in_group(group: str, definitions: Iterable[Property]) -> Mapping[str, Property]:
    return {definition.name: replace(definition, group=group) for definition in definitions}


class InvalidValueError(Exception):
    """`code` and message of HubSpot's property validation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def stored_form(definition: Property, value: str) -> str:
    """The value as HubSpot stores and returns it; InvalidValueError when the property does not accept it."""
    if definition.type in ("date", "datetime"):
        ms = parse_timestamp(value)
        if ms is None:
            raise InvalidValueError("INVALID_LONG", f"{value} was not a valid long.")
        return iso(ms)[:10] if definition.type == "date" else iso(ms)
    if definition.type == "number":
        if parse_number(value) is None:
            raise InvalidValueError("INVALID_INTEGER", f"{value} was not a valid number.")
        return value.strip()
    if definition.options and value not in {option for option, _ in definition.options}:
        allowed = ", ".join(option for option, _ in definition.options)
        raise InvalidValueError("INVALID_OPTION", f"{value} was not one of the allowed options: [{allowed}]")
    return value


def format_amount(amount: float) -> str:
    """
    >>> format_amount(12_000.0), format_amount(0.5)
    ('12000', '0.50')
    """
    return f"{amount:.2f}".removesuffix(".00")


def parse_number(value: str) -> float | None:
    """None for text that HubSpot does not accept as a number, including `nan` and `inf`."""
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if abs(parsed) < float("inf") else None
