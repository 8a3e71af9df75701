"""What `associate` asks HubSpot: answered from what is remembered, else by a call that is then remembered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crm import paths
from crm.client import Association, BatchResult
from crm.properties import COMPANY_PROPERTIES
from crm.records import CrmRecord
from pipeline.rulebook.tables import Companies
from pipeline.stages.companies.answers import Kind, recall, remember
from pipeline.stages.stage import StageContext


class NamedCompany(NamedTuple):
    id: str
    name: str | None


async def companies_of_deal(context: StageContext) -> list[Association]:
    """As HubSpot has them now, or had them when it was last asked for this run."""
    deal_id = context.hubspot_deal_id
    recalled = await recall(context.database, context.run_id, Kind.OF_DEAL, [deal_id])
    if deal_id in recalled.found:
        return [Association(company, frozenset(type_ids)) for company, type_ids in recalled.found[deal_id]]
    return (await context.crm.associations(paths.DEALS, [deal_id], paths.COMPANIES))[deal_id]


async def existing_companies(context: StageContext, ids: Iterable[str]) -> list[NamedCompany]:
    """Those of these companies that HubSpot has, and those that one of them was merged into, by ascending id."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    recalled = await recall(context.database, context.run_id, Kind.COMPANY, wanted)
    found = recalled.found
    if rest := [identifier for identifier in wanted if identifier not in found]:
        read = company_answers(rest, await context.crm.batch_read(paths.COMPANIES, rest, COMPANY_PROPERTIES))
        await remember(context.database, Kind.COMPANY, read, recalled.now)
        found |= read
    known = [NamedCompany(identifier, *answer) for identifier, answer in found.items() if answer]
    return sorted(known, key=lambda company: int(company.id))


async def companies_of_domains(context: StageContext, domains: Sequence[str]) -> Mapping[str, list[NamedCompany]]:
    """For each of these domains, the oldest few companies that have it."""
    if not domains:
        return {}
    recalled = await recall(context.database, context.run_id, Kind.OF_DOMAIN, domains)
    found = recalled.found
    if rest := [domain for domain in domains if domain not in found]:
        read = await context.crm.companies_by_domain(rest)
        for refused in [domain for domain in rest if domain not in read]:
            # By itself, it raises the reason.
            read |= await context.crm.companies_by_domain([refused])
        answers = domain_answers(read)
        await remember(context.database, Kind.OF_DOMAIN, answers, recalled.now)
        found |= answers
    return {domain: [NamedCompany(*company) for company in found[domain]] for domain in domains}


def searched_domains(domains: Iterable[str | None], limits: Companies) -> list[str]:
    """Those that may identify a company, up to the rulebook's limit."""
    business = (domain for domain in domains if domain and domain not in limits.free_mail)
    return list(dict.fromkeys(business))[: limits.domains_searched]


def company_answers(asked: Collection[str], read: BatchResult) -> dict[str, Any]:
    """By id, as Kind.COMPANY describes them.

    HubSpot returns a company that was merged under the id of the other one, and does not say which of those that are
    missing it was: then nothing is known of them.
    """
    found = {company.id: [company.properties.get("name")] for company in read.records}
    is_any_merged = len(read.records) > len(found) or not found.keys() <= set(asked)
    return found if is_any_merged else {**dict.fromkeys(read.missing), **found}


def domain_answers(found: Mapping[str, Sequence[CrmRecord]]) -> dict[str, Any]:
    """By domain, as Kind.OF_DOMAIN describes them."""
    return {
        domain: [[company.id, company.properties.get("name")] for company in companies]
        for domain, companies in found.items()
    }
