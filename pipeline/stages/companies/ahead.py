"""Reads ahead what `associate` will ask HubSpot about waiting deals, for all of them in a few calls.

It only saves calls: what is not remembered here, the stage asks for by itself.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from core.database import Database
from crm import paths
from crm.client import HubSpot
from crm.errors import CrmError
from crm.properties import COMPANY_PROPERTIES
from crm.records import is_id
from pipeline.rulebook.tables import Companies
from pipeline.stages.companies.answers import Kind, recall_shared, remember
from pipeline.stages.companies.lookup import company_answers, domain_answers, searched_domains

log = structlog.get_logger()

# The deals of the batch wait for it, and searches leave priority to those of the sync.
AHEAD_SECONDS = 3.0


class DealWithoutCompany(NamedTuple):
    """`company_ids` and `domains` are those of its contacts."""

    deal_id: int
    company_ids: Sequence[str]
    domains: Sequence[str | None]


async def read_ahead(database: Database, crm: HubSpot, limits: Companies, deals: Sequence[DealWithoutCompany]) -> None:
    """Remember the companies to which the contacts of these deals point."""
    try:
        async with asyncio.timeout(AHEAD_SECONDS):
            pointing = await _remember_companies(database, crm, deals)
            rest = [deal for deal in deals if not pointing.intersection(deal.company_ids)]
            await _remember_domains(database, crm, limits, rest)
    except (CrmError, TimeoutError) as error:
        log.warning("companies.not_read_ahead", error=str(error) or type(error).__name__)


async def _remember_companies(database: Database, crm: HubSpot, deals: Sequence[DealWithoutCompany]) -> set[str]:
    """Of the contacts' companies; the ids of those that HubSpot has."""
    ids = dict.fromkeys(identifier for deal in deals for identifier in deal.company_ids if is_id(identifier))
    if not ids:
        return set()
    recalled = await recall_shared(database, [deal.deal_id for deal in deals], Kind.COMPANY, ids)
    rest = [identifier for identifier in ids if identifier not in recalled.found]
    read = company_answers(rest, await crm.batch_read(paths.COMPANIES, rest, COMPANY_PROPERTIES))
    await remember(database, Kind.COMPANY, read, recalled.now)
    return {identifier for identifier, found in (recalled.found | read).items() if found}


async def _remember_domains(
    database: Database, crm: HubSpot, limits: Companies, deals: Sequence[DealWithoutCompany]
) -> None:
    domains = dict.fromkeys(domain for deal in deals for domain in searched_domains(deal.domains, limits))
    if not domains:
        return
    recalled = await recall_shared(database, [deal.deal_id for deal in deals], Kind.OF_DOMAIN, domains)
    rest = [domain for domain in domains if domain not in recalled.found]
    found = await crm.companies_by_domain(rest)
    await remember(database, Kind.OF_DOMAIN, domain_answers(found), recalled.now)
