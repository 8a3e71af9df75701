"""The properties that are read: whoever needs one more adds it here."""

# Of a deal. With its filters a search stays under HubSpot's 3,000 characters; a test holds that.
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
CONTACT_PROPERTIES = ("email", "firstname", "lastname", "associatedcompanyid")
COMPANY_PROPERTIES = ("name", "domain")
LINE_ITEM_PROPERTIES = ("name", "quantity", "price", "amount", "hs_line_item_currency_code")
