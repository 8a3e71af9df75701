"""The properties whose change requests another run of the deal: RERUN_ON, or by default all that a rule reads."""

import structlog

from core.errors import ConfigurationError
from core.logs import redact
from core.settings import Settings
from crm.errors import CrmError
from crm.properties import PROPERTIES
from scheduler.context import JobContext

log = structlog.get_logger()

# After HubSpot did not tell the rules of the account's admins: a sync does not wait for that at every poll.
RULES_UNKNOWN_SECONDS = 600.0
# HubSpot moves it with every write.
_TOUCH = "hs_lastmodifieddate"


def check_rerun_on(settings: Settings) -> None:
    """ConfigurationError for a property that is not read: its change would never be noticed."""
    if unknown := [name for name in settings.rerun_properties or () if name not in PROPERTIES or name == _TOUCH]:
        allowed = ", ".join(name for name in PROPERTIES if name != _TOUCH)
        raise ConfigurationError(
            f"RERUN_ON: the change of {', '.join(unknown)} cannot start a run; allowed are {allowed}, or none."
        )


async def rerun_properties(context: JobContext) -> tuple[str, ...]:
    """If the admins' rules are not known, every property counts as one that a rule reads."""
    chosen = context.settings.rerun_properties
    if chosen is not None:
        return chosen
    if not context.rules_unknown.is_active():
        try:
            set_by_admins = await context.catalog.validation_rules()
        except CrmError as error:
            log.warning("sync.admins_rules_unknown", error=redact(str(error)))
            context.rules_unknown.start(RULES_UNKNOWN_SECONDS, str(error))
        else:
            read = {*context.read_by_rules, *set_by_admins}
            return tuple(name for name in PROPERTIES if name in read and name != _TOUCH)
    return tuple(name for name in PROPERTIES if name != _TOUCH)
