"""HubSpot's own properties of each object type: those that work on deals needs, not all of them."""

from sandbox.account.pipelines import PIPELINES, STAGES
from sandbox.account.properties import (
    calculated,
    choice,
    flag,
    in_group,
    instant,
    number,
    set_by_hubspot,
    text,
    textarea,
)

_CURRENCIES = (("USD", "US Dollar"), ("EUR", "Euro"), ("GBP", "British Pound"), ("SEK", "Swedish Krona"))
_TASK_STATUSES = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED")
_TASK_PRIORITIES = ("NONE", "LOW", "MEDIUM", "HIGH")
_OWNER = choice("hubspot_owner_id", "Owner")
_TEAM = set_by_hubspot(choice("hubspot_team_id", "HubSpot Team"))
_OBJECT_ID = set_by_hubspot(number("hs_object_id", "Record ID"))
_MODIFIED = set_by_hubspot(instant("hs_lastmodifieddate", "Last Modified Date"))
_SOURCE = set_by_hubspot(choice("hs_object_source", "Record source"))

DEAL_PROPERTIES = in_group(
    "dealinformation",
    (
        text("dealname", "Deal Name"),
        number("amount", "Amount"),
        choice("dealstage", "Deal Stage", ((stage.id, stage.label) for stage in STAGES.values())),
        choice("pipeline", "Pipeline", ((pipeline.id, pipeline.label) for pipeline in PIPELINES)),
        instant("closedate", "Close Date"),
        instant("createdate", "Create Date"),
        choice("dealtype", "Deal Type", (("newbusiness", "New Business"), ("existingbusiness", "Existing Business"))),
        choice("deal_currency_code", "Currency", _CURRENCIES),
        choice("hs_priority", "Priority", (("low", "Low"), ("medium", "Medium"), ("high", "High"))),
        textarea("description", "Deal Description"),
        text("hs_next_step", "Next step"),
        textarea("closed_lost_reason", "Closed Lost Reason"),
        textarea("closed_won_reason", "Closed Won Reason"),
        _OWNER,
        *_OBJECT_ID,
        *_MODIFIED,
        *_SOURCE,
        *_TEAM,
        *set_by_hubspot(
            instant("hs_createdate", "Object create date/time"),
            instant("hubspot_owner_assigneddate", "Owner assigned date"),
            instant("hs_v2_date_entered_current_stage", "Date entered current stage"),
            instant("notes_last_updated", "Last Activity Date"),
            instant("notes_last_contacted", "Last Contacted"),
            instant("hs_last_activity_date", "Last activity"),
            text("hs_merged_object_ids", "Merged Deal IDs"),
        ),
        *calculated(
            number("hs_deal_stage_probability", "Deal probability"),
            flag("hs_is_closed", "Is Deal Closed?"),
            flag("hs_is_closed_won", "Is Closed Won"),
            flag("hs_is_closed_lost", "Is Closed Lost"),
            number("hs_forecast_amount", "Forecast amount"),
            number("hs_projected_amount", "Weighted amount"),
            number("hs_closed_amount", "Closed Deal Amount"),
            number("amount_in_home_currency", "Amount in company currency"),
            number("hs_exchange_rate", "Exchange rate"),
            number("days_to_close", "Days to close"),
            number("num_associated_contacts", "Number of Associated Contacts"),
            number("hs_num_of_associated_line_items", "Number of Associated Line Items"),
            number("num_notes", "Number of Sales Activities"),
            number("hs_primary_associated_company", "Primary Associated Company"),
        ),
    ),
)
CONTACT_PROPERTIES = in_group(
    "contactinformation",
    (
        text("email", "Email", unique=True),
        text("firstname", "First Name"),
        text("lastname", "Last Name"),
        text("phone", "Phone Number"),
        text("jobtitle", "Job Title"),
        text("company", "Company Name"),
        choice("lifecyclestage", "Lifecycle Stage", (("lead", "Lead"), ("opportunity", "Opportunity"))),
        instant("createdate", "Create Date"),
        _OWNER,
        *_OBJECT_ID,
        *_SOURCE,
        *set_by_hubspot(instant("lastmodifieddate", "Last Modified Date")),
        *calculated(number("associatedcompanyid", "Primary Associated Company ID")),
    ),
)
COMPANY_PROPERTIES = in_group(
    "companyinformation",
    (
        text("name", "Company name"),
        text("domain", "Company Domain Name"),
        text("website", "Website URL"),
        text("phone", "Phone Number"),
        text("city", "City"),
        text("country", "Country/Region"),
        text("industry", "Industry"),
        number("numberofemployees", "Number of Employees"),
        instant("createdate", "Create Date"),
        _OWNER,
        *_OBJECT_ID,
        *_MODIFIED,
        *_SOURCE,
    ),
)
LINE_ITEM_PROPERTIES = in_group(
    "lineiteminformation",
    (
        text("name", "Name"),
        text("hs_sku", "SKU"),
        text("hs_product_id", "Product ID"),
        textarea("description", "Description"),
        number("price", "Unit price"),
        number("quantity", "Quantity"),
        number("discount", "Unit discount"),
        choice("hs_line_item_currency_code", "Currency", _CURRENCIES),
        instant("createdate", "Create Date"),
        *_OBJECT_ID,
        *_MODIFIED,
        *calculated(number("amount", "Net price")),
    ),
)
NOTE_PROPERTIES = in_group(
    "note",
    (
        textarea("hs_note_body", "Note body"),
        instant("hs_timestamp", "Activity date"),
        _OWNER,
        *_OBJECT_ID,
        *_MODIFIED,
        *set_by_hubspot(instant("hs_createdate", "Create date")),
    ),
)
TASK_PROPERTIES = in_group(
    "task",
    (
        text("hs_task_subject", "Task Title"),
        textarea("hs_task_body", "Task Notes"),
        choice("hs_task_status", "Task Status", ((status, status.capitalize()) for status in _TASK_STATUSES)),
        choice("hs_task_priority", "Priority", ((name, name.capitalize()) for name in _TASK_PRIORITIES)),
        choice("hs_task_type", "Task Type", (("TODO", "To-do"), ("CALL", "Call"), ("EMAIL", "Email"))),
        instant("hs_timestamp", "Due date"),
        _OWNER,
        *_OBJECT_ID,
        *_MODIFIED,
        *set_by_hubspot(instant("hs_createdate", "Create date")),
    ),
)
