"""Checks, when a worker starts, that the account has what the settings and the rules file refer to."""

import structlog

from core.errors import ConfigurationError
from crm.catalog import Catalog
from crm.errors import CrmError
from crm.properties import WRITTEN_PROPERTIES
from pipeline.rulebook import Rulebook
from pipeline.stages.stage import StageSettings

log = structlog.get_logger()


async def check_account(catalog: Catalog, settings: StageSettings) -> None:
    """ConfigurationError when write-back is on and the account lacks its properties.

    While HubSpot is unavailable the worker starts without the check; each write then reports what is wrong.
    """
    try:
        await _check_rules(catalog, settings.rulebook)
        if settings.write_back:
            await _check_properties(catalog)
        # So that an unknown time zone is in the log from the start, not from the first deal on.
        await catalog.time_zone()
    except CrmError as error:
        log.warning("account.not_checked", reason=str(error))


async def _check_properties(catalog: Catalog) -> None:
    found = {required.name: await catalog.property(required.name) for required in WRITTEN_PROPERTIES}
    wrong = [
        required.name
        for required in WRITTEN_PROPERTIES
        if (existing := found[required.name]) is None or existing.type != required.type
    ]
    if wrong:
        raise ConfigurationError(
            f"WRITE_BACK is on, but the HubSpot account has no property {', '.join(wrong)} of the right type. "
            "Create them with `python -m crm setup`, or turn WRITE_BACK off."
        )


async def _check_rules(catalog: Catalog, rulebook: Rulebook) -> None:
    """Only log: removing a stage or an owner in HubSpot must not stop the worker."""
    for pipeline, stages in rulebook.required.items():
        for stage in stages:
            if await catalog.stage(pipeline, stage) is None:
                log.warning("rules.stage_unknown", pipeline=pipeline, stage=stage)
    for pipeline, owners in rulebook.route.items():
        for owner in owners:
            if await catalog.owner(owner) is None:
                log.warning("rules.owner_unknown", pipeline=pipeline, owner=owner)
