"""Looks at the worker's start whether the account has what the settings and the rules take for granted."""

import structlog

from core.errors import ConfigurationError
from crm.catalog import Catalog
from crm.errors import CrmError
from crm.properties import WRITTEN_PROPERTIES
from pipeline.rulebook import Rulebook
from pipeline.stages.stage import Terms

log = structlog.get_logger()


async def check_account(catalog: Catalog, terms: Terms) -> None:
    """ConfigurationError when write-back is on and its properties are not there.

    While HubSpot cannot be read nobody knows: the worker starts, and each write says what is wrong with it.
    """
    try:
        await _check_rules(catalog, terms.rulebook)
        if terms.write_back:
            await _check_properties(catalog)
    except CrmError as error:
        log.warning("account.not_checked", reason=str(error))


async def _check_properties(catalog: Catalog) -> None:
    found = {new.name: await catalog.property(new.name) for new in WRITTEN_PROPERTIES}
    wrong = [new.name for new in WRITTEN_PROPERTIES if (there := found[new.name]) is None or there.type != new.type]
    if wrong:
        raise ConfigurationError(
            f"WRITE_BACK is on, but the HubSpot account has no property {', '.join(wrong)} of the right type. "
            "Create them with `python -m crm setup`, or switch WRITE_BACK off."
        )


async def _check_rules(catalog: Catalog, rulebook: Rulebook) -> None:
    """Only told: somebody who removes a stage or an owner in HubSpot must not stop the worker."""
    for pipeline, stages in rulebook.required.items():
        for stage in stages:
            if await catalog.stage(pipeline, stage) is None:
                log.warning("rules.stage_unknown", pipeline=pipeline, stage=stage)
    for pipeline, owners in rulebook.route.items():
        for owner in owners:
            if await catalog.owner(owner) is None:
                log.warning("rules.owner_unknown", pipeline=pipeline, owner=owner)
