"""Companies by their domains: those of many domains in one search, the same ones as by a search for each domain."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from crm import paths, responses
from crm.budget.protocol import Policy
from crm.errors import BadResponse, RequestRefused
from crm.properties import COMPANY_PROPERTIES
from crm.records import CrmRecord, parse_records
from crm.scanning import SEARCH_LIMIT
from crm.transport import Transport

# Of companies with the same domain, the oldest few are enough.
DOMAIN_MATCHES = 5
# HubSpot takes a hundred values in a filter, and 3,000 characters in a search, of which the rest takes some 300.
MOST_VALUES, MOST_CHARACTERS = 100, 2_500

ByDomain = dict[str, list[CrmRecord]]


async def companies_by_domain(transport: Transport, domains: Iterable[str]) -> ByDomain:
    """By domain in lower case, as HubSpot compares them. Of several, a domain that HubSpot refuses has no entry."""
    wanted = list(dict.fromkeys(domain.lower() for domain in domains))
    if len(wanted) == 1:
        return {wanted[0]: await _of_one(transport, wanted[0])}
    found: ByDomain = {}
    for part in _parts(wanted):
        found |= await _of_part(transport, part)
    return found


def _parts(domains: Iterable[str]) -> Iterator[list[str]]:
    """As many in each as one search takes."""
    part: list[str] = []
    characters = 0
    for domain in domains:
        length = len(json.dumps(domain)) + 1
        if part and (len(part) == MOST_VALUES or characters + length > MOST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(domain)
        characters += length
    if part:
        yield part


async def _of_part(transport: Transport, domains: list[str]) -> ByDomain:
    """By halves where one search does not tell: each half is asked by itself, in the end each domain."""
    try:
        if len(domains) == 1:
            return {domains[0]: await _of_one(transport, domains[0])}
        found = await _of_several(transport, domains)
    except RequestRefused:
        found = None
    if found is not None or len(domains) == 1:
        return found or {}
    half = len(domains) // 2
    return await _of_part(transport, domains[:half]) | await _of_part(transport, domains[half:])


async def _of_one(transport: Transport, domain: str) -> list[CrmRecord]:
    page = await _page(transport, [{"propertyName": "domain", "operator": "EQ", "value": domain}], DOMAIN_MATCHES)
    return parse_records(page.results)


async def _of_several(transport: Transport, domains: Sequence[str]) -> ByDomain | None:
    """None when a company was found by a domain that it no longer has: it is not known by which one.

    By ascending id, page by page. The next page asks only for those domains that still lack some, so that one of which
    there are thousands pushes out no other.
    """
    found: ByDomain = {domain: [] for domain in domains}
    wanted, last = list(domains), 0
    while wanted:
        filters: list[dict[str, Any]] = [{"propertyName": "domain", "operator": "IN", "values": wanted}]
        if last:
            filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(last)})
        page = await _page(transport, filters, SEARCH_LIMIT)
        companies = parse_records(page.results)
        for company in companies:
            domain = (company.properties.get("domain") or "").lower()
            if domain not in wanted:
                return None
            if len(found[domain]) < DOMAIN_MATCHES:
                found[domain].append(company)
        if page.total <= len(page.results) and page.following is None:
            break
        if not companies:
            raise BadResponse("HubSpot's search for companies has further results, and sent none of them.")
        last = max(int(company.id) for company in companies)
        wanted = [domain for domain in wanted if len(found[domain]) < DOMAIN_MATCHES]
    return found


async def _page(transport: Transport, filters: list[dict[str, Any]], limit: int) -> responses.SearchResults:
    body = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(COMPANY_PROPERTIES),
        "limit": limit,
    }
    response = await transport.post(paths.search(paths.COMPANIES), body, policy=Policy.SEARCH)
    return responses.read(responses.SearchResults, response.body)
