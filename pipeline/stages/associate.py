"""Associate: whose deal it is. Verifies its company and contacts, and suggests a company where there is none."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from crm import paths
from crm.client import HubSpot
from crm.properties import COMPANY_PROPERTIES
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.fetch import Contact, FetchOutput
from pipeline.stages.findings import Finding, Issue, graded
from pipeline.stages.stage import Stage, StageContext, StageResult

# HubSpot's type of the association between a deal and its primary company.
PRIMARY_COMPANY = 5


class Suggestion(BaseModel):
    """A company that the deal may belong to, and why."""

    company_id: str
    name: str | None
    because: str


class AssociateOutput(BaseModel):
    """`company_ids` begins with the primary one. Suggestions are made only for a deal without a company."""

    company_ids: list[str]
    primary_company_id: str | None
    contact_ids: list[str]
    suggestions: list[Suggestion]
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    snapshot = context.output_of(fetch.STAGE.key, FetchOutput)
    primary, companies = await _companies(context, gone=snapshot.missing.get(fetch.COMPANIES, []))
    suggestions = [] if companies else await _suggestions(context, snapshot.contacts)
    output = AssociateOutput(
        company_ids=companies,
        primary_company_id=primary,
        contact_ids=[contact.id for contact in snapshot.contacts],
        suggestions=suggestions,
        findings=graded(_issues(snapshot, companies, primary, suggestions), context.rulebook),
    )
    return StageResult(output, company_ids=output.company_ids, contact_ids=output.contact_ids)


async def _companies(context: StageContext, *, gone: Sequence[str]) -> tuple[str | None, list[str]]:
    """The primary company and all of them, as HubSpot has them now."""
    deal_id = context.hubspot_deal_id
    found = await context.crm.associations(paths.DEALS, [deal_id], paths.COMPANIES)
    there = [association for association in found[deal_id] if association.id not in gone]
    primary = next((association.id for association in there if PRIMARY_COMPANY in association.type_ids), None)
    return primary, sorted((association.id for association in there), key=lambda company: company != primary)


async def _suggestions(context: StageContext, contacts: Sequence[Contact]) -> list[Suggestion]:
    """The companies of its contacts; failing that, those with the domain of a contact's business address."""
    return await _of_contacts(context.crm, contacts) or await _of_domains(context, contacts)


async def _of_contacts(crm: HubSpot, contacts: Sequence[Contact]) -> list[Suggestion]:
    belongs = {contact.company_id: contact for contact in contacts if contact.company_id}
    read = await crm.batch_read(paths.COMPANIES, belongs, COMPANY_PROPERTIES)
    return [
        Suggestion(
            company_id=company.id,
            name=company.properties.get("name"),
            because=f"Contact {belongs[company.id].id} of the deal belongs to it.",
        )
        for company in read.records
    ]


async def _of_domains(context: StageContext, contacts: Sequence[Contact]) -> list[Suggestion]:
    """A search for each domain, of which the account has five in a second: no more than the rulebook allows."""
    go_by = context.rulebook.companies
    domains = {
        contact.domain: contact for contact in contacts if contact.domain and contact.domain not in go_by.free_mail
    }
    return [
        Suggestion(
            company_id=company.id,
            name=company.properties.get("name"),
            because=f"Its domain {domain} is that of the e-mail address of contact {contact.id}.",
        )
        for domain, contact in list(domains.items())[: go_by.domains_searched]
        for company in await context.crm.search_companies_by_domain(domain)
    ]


def _issues(
    snapshot: FetchOutput, companies: Sequence[str], primary: str | None, suggestions: Sequence[Suggestion]
) -> Iterator[Issue]:
    if not snapshot.contacts:
        yield Issue("contact_missing", "No contact is associated with the deal.")
    if not companies:
        yield Issue("company_missing", _without_company(suggestions))
    elif primary is None:
        yield Issue("primary_company_missing", "None of the deal's companies is its primary one.")
    for kind, missing in snapshot.missing.items():
        message = f"HubSpot names {kind.replace('_', ' ')} of the deal that it does not have: {', '.join(missing)}."
        yield Issue("associated_record_missing", message)
    for kind in snapshot.truncated:
        message = f"The deal has more {kind.replace('_', ' ')} than the first 100, which alone were read."
        yield Issue("associations_truncated", message)


def _without_company(suggestions: Sequence[Suggestion]) -> str:
    if not suggestions:
        return "No company is associated with the deal, and its contacts point to none."
    names = ", ".join(
        f"{suggestion.name or 'a company without a name'} ({suggestion.company_id})" for suggestion in suggestions
    )
    return f"No company is associated with the deal. Its contacts point to {names}."


STAGE = Stage(key="associate", label="Associate", run=run, needs=(fetch.STAGE.key,), timeout_seconds=60)
