"""The scopes that the token needs, and what for. A new kind of read or write adds its scope here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """`name` is HubSpot's; `reason` ends the sentence "It is needed ..."."""

    name: str
    reason: str


READING = (
    Scope("crm.objects.deals.read", "to read deals and their pipelines"),
    Scope("crm.objects.contacts.read", "to read the contacts of deals"),
    Scope("crm.objects.companies.read", "to read the companies of deals"),
    Scope("crm.objects.owners.read", "to show who owns a deal"),
    Scope("crm.schemas.deals.read", "to read the deals' properties and the admins' rules"),
    Scope("crm.objects.line_items.read", "to compare amounts with line items"),
)
# Only for `python -m crm setup` and for WRITE_BACK.
WRITING = (
    Scope("crm.schemas.deals.write", "to create the dealqueue_* properties"),
    Scope("crm.objects.deals.write", "to write findings back to deals"),
    Scope("crm.objects.contacts.write", "to write notes and tasks (HubSpot requires this one)"),
)
