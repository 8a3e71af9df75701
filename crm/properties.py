"""The HubSpot properties that are read, and those that are written. To read one more, add it here."""

from dataclasses import dataclass
from typing import Any

# Of a deal. A search for them stays below HubSpot's limit of 3,000 characters; a test checks that.
PROPERTIES = (
    "dealname",
    "amount",
    "deal_currency_code",
    "pipeline",
    "dealstage",
    "dealtype",
    "hubspot_owner_id",
    "hubspot_team_id",
    "closedate",
    "createdate",
    "hs_lastmodifieddate",
    "hs_v2_date_entered_current_stage",
    "hs_last_activity_date",
    "hs_next_step",
    "hs_priority",
    "closed_lost_reason",
    "closed_won_reason",
    "hs_object_source",
    "hs_merged_object_ids",
    "num_associated_contacts",
    "hs_num_of_associated_line_items",
)
# Those that are a point in time, and those that are a number; the others are text.
DATES = (
    "closedate",
    "createdate",
    "hs_lastmodifieddate",
    "hs_v2_date_entered_current_stage",
    "hs_last_activity_date",
)
NUMBERS = ("amount", "num_associated_contacts", "hs_num_of_associated_line_items")
# HubSpot moves it when a person, or write-back, logs an activity on the deal.
ACTIVITY = "hs_last_activity_date"
CONTACT_PROPERTIES = ("email", "firstname", "lastname", "associatedcompanyid")
COMPANY_PROPERTIES = ("name", "domain")
NOTE_PROPERTIES = ("hs_timestamp", "hs_createdate", "hs_note_body")
TASK_PROPERTIES = ("hs_timestamp", "hs_createdate", "hs_task_body", "hs_task_status")
LINE_ITEM_PROPERTIES = ("name", "quantity", "price", "amount", "hs_line_item_currency_code")


@dataclass(frozen=True, slots=True)
class NewProperty:
    """A property that we create in an account. `type` and `field_type` are those of HubSpot's properties API."""

    name: str
    label: str
    type: str
    field_type: str
    description: str

    def body(self) -> dict[str, Any]:
        """The body of the request; `dealinformation` is a group that every account has."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": "dealinformation",
            "description": self.description,
        }


# Of a deal; written by the stage write_back. A test compares them with what that stage writes.
WRITTEN_PROPERTIES = (
    NewProperty("dealqueue_score", "Deal Queue score", "number", "number", "How complete the deal is, 0 to 100."),
    NewProperty("dealqueue_issues", "Deal Queue issues", "string", "textarea", "The rules that the deal breaks."),
    NewProperty(
        "dealqueue_duplicate_of", "Deal Queue: duplicate of", "string", "text", "Id of the deal that it repeats."
    ),
    NewProperty("dealqueue_checked_at", "Deal Queue checked at", "datetime", "date", "When Deal Queue last looked."),
)
