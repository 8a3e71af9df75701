"""The object types that the sandbox supports: ids, names and default properties of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.account.properties import Property
from sandbox.account.standard_properties import (
    COMPANY_PROPERTIES,
    CONTACT_PROPERTIES,
    DEAL_PROPERTIES,
    LINE_ITEM_PROPERTIES,
    NOTE_PROPERTIES,
    TASK_PROPERTIES,
)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """The names of properties: `always` are in every response, `defaults` in a response to a request without any,
    `required` to create a record; `created` and `modified` hold these times, `searched` are matched by a query.

    The default sets follow the examples of developers.hubspot.com's object guides.
    """

    id: str
    name: str
    singular: str
    created: str
    modified: str
    defaults: tuple[str, ...]
    properties: Mapping[str, Property]
    first_id: int
    searched: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def always(self) -> tuple[str, ...]:
        return (self.created, self.modified, "hs_object_id")

    @property
    def inline_name(self) -> str:
        """The key under `associations` in an answer, where "line items" has a space."""
        return self.name.replace("_", " ")


# Ids start below 10^10, and a few hundred deals cross it: a client that compares ids as text gets the order wrong.
DEALS = ObjectType(
    id="0-3",
    name="deals",
    singular="deal",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=("dealname", "amount", "closedate", "dealstage", "pipeline"),
    first_id=9_998_700_000,
    searched=("dealname", "pipeline", "dealstage", "description", "dealtype"),
    required=("dealname", "dealstage"),
    properties=DEAL_PROPERTIES,
)
CONTACTS = ObjectType(
    id="0-1",
    name="contacts",
    singular="contact",
    created="createdate",
    modified="lastmodifieddate",
    defaults=("firstname", "lastname", "email"),
    first_id=38_114_000_000,
    searched=("firstname", "lastname", "email", "phone", "company"),
    properties=CONTACT_PROPERTIES,
)
COMPANIES = ObjectType(
    id="0-2",
    name="companies",
    singular="company",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=("name", "domain"),
    first_id=14_220_000_000,
    searched=("name", "domain", "website", "phone"),
    properties=COMPANY_PROPERTIES,
)
LINE_ITEMS = ObjectType(
    id="0-8",
    name="line_items",
    singular="line_item",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=("hs_product_id", "quantity", "amount"),
    first_id=21_700_000_000,
    searched=("name", "hs_sku", "description"),
    properties=LINE_ITEM_PROPERTIES,
)
NOTES = ObjectType(
    id="0-46",
    name="notes",
    singular="note",
    created="hs_createdate",
    modified="hs_lastmodifieddate",
    defaults=(),
    first_id=61_000_000_000,
    searched=("hs_note_body",),
    required=("hs_timestamp",),
    properties=NOTE_PROPERTIES,
)
TASKS = ObjectType(
    id="0-27",
    name="tasks",
    singular="task",
    created="hs_createdate",
    modified="hs_lastmodifieddate",
    defaults=(),
    first_id=72_000_000_000,
    searched=("hs_task_subject", "hs_task_body"),
    required=("hs_timestamp",),
    properties=TASK_PROPERTIES,
)
TYPES = (CONTACTS, COMPANIES, DEALS, LINE_ITEMS, TASKS, NOTES)
TYPES_BY_NAME = {object_type.name: object_type for object_type in TYPES}


def find_object_type(name: str) -> ObjectType | None:
    """By type id, plural or singular name, in any case: HubSpot accepts all of them in a path."""
    wanted = name.lower()
    return next((known for known in TYPES if wanted in (known.id, known.name, known.singular)), None)
