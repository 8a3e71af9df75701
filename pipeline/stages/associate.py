"""Associate: whose deal it is. Verifies its company and contacts, and suggests a company where there is none."""

from collections.abc import Sequence

from pydantic import BaseModel

from crm import paths
from crm.client import HubSpot
from crm.properties import COMPANY_PROPERTIES
from pipeline.stage import Stage, StageContext, StageResult
from pipeline.stages import fetch
from pipeline.stages.fetch import Contact, FetchOutput
from pipeline.stages.findings import Finding, Severity
from pipeline.stages.free_mail import business_domain

# HubSpot's type of the association between a deal and its primary company.
PRIMARY_COMPANY = 5
# Each costs one of the account's five searches a second.
MOST_DOMAINS = 3


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
    suggestions = [] if companies else await _suggestions(context.crm, snapshot.contacts)
    output = AssociateOutput(
        company_ids=companies,
        primary_company_id=primary,
        contact_ids=[contact.id for contact in snapshot.contacts],
        suggestions=suggestions,
        findings=_findings(snapshot, companies, primary, suggestions),
    )
    return StageResult(output, company_ids=output.company_ids, contact_ids=output.contact_ids)


async def _companies(context: StageContext, *, gone: Sequence[str]) -> tuple[str | None, list[str]]:
    """The primary company and all of them, as HubSpot has them now."""
    deal_id = context.hubspot_deal_id
    found = await context.crm.associations(paths.DEALS, [deal_id], paths.COMPANIES)
    there = [association for association in found[deal_id] if association.id not in gone]
    primary = next((association.id for association in there if PRIMARY_COMPANY in association.type_ids), None)
    return primary, sorted((association.id for association in there), key=lambda company: company != primary)


async def _suggestions(crm: HubSpot, contacts: Sequence[Contact]) -> list[Suggestion]:
    """The companies of its contacts; failing that, those with the domain of a contact's business address."""
    return await _of_contacts(crm, contacts) or await _of_domains(crm, contacts)


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


async def _of_domains(crm: HubSpot, contacts: Sequence[Contact]) -> list[Suggestion]:
    domains = {domain: contact for contact in contacts if (domain := business_domain(contact.email))}
    return [
        Suggestion(
            company_id=company.id,
            name=company.properties.get("name"),
            because=f"Its domain {domain} is that of the e-mail address of contact {contact.id}.",
        )
        for domain, contact in list(domains.items())[:MOST_DOMAINS]
        for company in await crm.search_companies_by_domain(domain)
    ]


def _findings(
    snapshot: FetchOutput, companies: Sequence[str], primary: str | None, suggestions: Sequence[Suggestion]
) -> list[Finding]:
    found = []
    if not snapshot.contacts:
        found.append(_finding("contact_missing", Severity.MEDIUM, "No contact is associated with the deal."))
    if not companies:
        found.append(_finding("company_missing", Severity.MEDIUM, _without_company(suggestions)))
    elif primary is None:
        found.append(
            _finding("primary_company_missing", Severity.LOW, "None of the deal's companies is its primary one.")
        )
    for kind, missing in snapshot.missing.items():
        message = f"HubSpot names {kind.replace('_', ' ')} of the deal that it does not have: {', '.join(missing)}."
        found.append(_finding("associated_record_missing", Severity.INFO, message))
    for kind in snapshot.truncated:
        message = f"The deal has more {kind.replace('_', ' ')} than the first 100, which alone were read."
        found.append(_finding("associations_truncated", Severity.INFO, message))
    return found


def _without_company(suggestions: Sequence[Suggestion]) -> str:
    if not suggestions:
        return "No company is associated with the deal, and its contacts point to none."
    names = ", ".join(
        f"{suggestion.name or 'a company without a name'} ({suggestion.company_id})" for suggestion in suggestions
    )
    return f"No company is associated with the deal. Its contacts point to {names}."


def _finding(rule: str, severity: Severity, message: str) -> Finding:
    return Finding(rule=rule, severity=severity, message=message)


STAGE = Stage(key="associate", label="Associate", run=run)
