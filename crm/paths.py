"""The paths of HubSpot's API, all of one date-versioned release."""

# developers.hubspot.com, "API versioning": a release is supported for 18 months; this one until March 2028.
API_VERSION = "2026-09"

DEALS = "0-3"
CONTACTS = "0-1"
COMPANIES = "0-2"
LINE_ITEMS = "0-8"
NOTES = "0-46"
TASKS = "0-27"

OWNERS = f"/crm/owners/{API_VERSION}"
DEAL_PIPELINES = f"/crm/pipelines/{API_VERSION}/deals"
ACCOUNT = f"/account-info/{API_VERSION}/details"
DAILY_USAGE = f"/account-info/{API_VERSION}/api-usage/daily/private-apps"
# Not part of the versioned API.
TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 - a path, not a secret


def records(object_type: str) -> str:
    """GET lists records, POST creates one."""
    return f"/crm/objects/{API_VERSION}/{object_type}"


def record(object_type: str, identifier: str) -> str:
    return f"{records(object_type)}/{identifier}"


def search(object_type: str) -> str:
    return f"{records(object_type)}/search"


def batch_read(object_type: str) -> str:
    return f"{records(object_type)}/batch/read"


def associated(object_type: str, identifier: str, to_type: str) -> str:
    """One record's associations, page by page."""
    return f"{record(object_type, identifier)}/associations/{to_type}"


def associations(from_type: str, to_type: str) -> str:
    return f"/crm/associations/{API_VERSION}/{from_type}/{to_type}/batch/read"


def properties(object_type: str) -> str:
    return f"/crm/properties/{API_VERSION}/{object_type}"


def property_validations(object_type: str) -> str:
    return f"/crm/property-validations/{API_VERSION}/{object_type}"
