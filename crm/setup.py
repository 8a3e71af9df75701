"""`python -m crm setup`: creates the properties that write-back fills, where they are missing in the account."""

from collections.abc import Callable

from crm import paths
from crm.client import HubSpot
from crm.errors import AccessDenied, CrmError, RequestRefused
from crm.properties import WRITTEN_PROPERTIES, NewProperty
from crm.report import Report
from crm.responses import PropertyDefinition


async def set_up(client: HubSpot, report: Report, agrees: Callable[[str], bool]) -> None:
    """A second run changes nothing. `agrees` must confirm before anything is created."""
    known = {definition.name: definition for definition in await client.properties(paths.DEALS)}
    for new in WRITTEN_PROPERTIES:
        _show(new, known.get(new.name), report)
    missing = [new for new in WRITTEN_PROPERTIES if new.name not in known]
    if not missing:
        return
    if not agrees(f"Create {len(missing)} of them in the HubSpot account?"):
        report.bad("Nothing was created.")
        return
    for new in missing:
        await _create(client, new, report)


def _show(new: NewProperty, found: PropertyDefinition | None, report: Report) -> None:
    if found is None:
        report.note(f"{new.name} ({new.type}) does not exist yet.")
    elif found.type != new.type:
        report.bad(f"{new.name} exists, but its type is {found.type}, not {new.type}: rename or remove it in HubSpot.")
    else:
        report.good(f"{new.name} exists.")


async def _create(client: HubSpot, new: NewProperty, report: Report) -> None:
    try:
        await client.create_property(paths.DEALS, new)
    except (RequestRefused, AccessDenied) as error:
        # Another process has created it meanwhile, so the result is the same.
        if error.status == 409:
            report.good(f"{new.name} exists.")
        else:
            report.bad(f"{new.name} was not created: {error}")
    except CrmError as error:
        report.bad(f"{new.name} may not have been created: {error} Run this again: it creates only what is missing.")
    else:
        report.good(f"{new.name} was created.")
