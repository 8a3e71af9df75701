"""Associate: the company and contacts of the deal as HubSpot has them now; without a company, suggestions for one."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from crm.records import is_id
from pipeline.stages.companies.lookup import (
    companies_of_deal,
    companies_of_domains,
    existing_companies,
    searched_domains,
)
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.output import COMPANIES, Contact, FetchOutput
from pipeline.stages.findings import Finding, Issue, grade
from pipeline.stages.stage import Stage, StageContext, StageResult

# HubSpot's type of the association between a deal and its primary company.
PRIMARY_COMPANY = 5


class Suggestion(BaseModel):
    """A company that the deal may belong to, and why."""

    company_id: str
    name: str | None
    because: str


class AssociateOutput(BaseModel):
    """`company_ids` begins with the primary company. Only a deal without a company gets suggestions."""

    company_ids: list[str]
    primary_company_id: str | None
    contact_ids: list[str]
    suggestions: list[Suggestion]
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    fetched = context.output_of(fetch.STAGE.key, FetchOutput)
    primary, companies = await _companies(context, excluding=fetched.missing.get(COMPANIES, []))
    suggestions: list[Suggestion] = []
    if not companies:
        of_contacts = await _of_contacts(context, fetched.contacts)
        suggestions = of_contacts or await _of_domains(context, fetched.contacts)
    output = AssociateOutput(
        company_ids=companies,
        primary_company_id=primary,
        contact_ids=[contact.id for contact in fetched.contacts],
        suggestions=suggestions,
        findings=grade(_issues(fetched, companies, primary, suggestions), context.rulebook),
    )
    return StageResult(output, company_ids=output.company_ids, contact_ids=output.contact_ids)


async def _companies(context: StageContext, *, excluding: Sequence[str]) -> tuple[str | None, list[str]]:
    """The primary company and all of them, as HubSpot has them now."""
    existing = [found for found in await companies_of_deal(context) if found.id not in excluding]
    primary = next((association.id for association in existing if PRIMARY_COMPANY in association.type_ids), None)
    return primary, sorted((association.id for association in existing), key=lambda company: company != primary)


async def _of_contacts(context: StageContext, contacts: Sequence[Contact]) -> list[Suggestion]:
    """The companies of the deal's contacts. A company with another id than a contact names was merged into that one."""
    by_company = {found: contact for contact in contacts if (found := contact.company_id) and is_id(found)}
    return [
        Suggestion(
            company_id=company.id,
            name=company.name,
            because=f"Contact {contact.id} of the deal belongs to it."
            if (contact := by_company.get(company.id))
            else "A contact of the deal belongs to a company that was merged into it.",
        )
        for company in await existing_companies(context, by_company)
    ]


async def _of_domains(context: StageContext, contacts: Sequence[Contact]) -> list[Suggestion]:
    """The companies with the domain of a contact's address, of as many domains as the rulebook allows."""
    by_domain = {contact.domain: contact for contact in contacts if contact.domain}
    found = await companies_of_domains(context, searched_domains(by_domain, context.rulebook.companies))
    return [
        Suggestion(
            company_id=company.id,
            name=company.name,
            because=f"Its domain {domain} is that of the e-mail address of contact {by_domain[domain].id}.",
        )
        for domain, companies in found.items()
        for company in companies
    ]


def _issues(
    fetched: FetchOutput, companies: Sequence[str], primary: str | None, suggestions: Sequence[Suggestion]
) -> Iterator[Issue]:
    if not fetched.contacts:
        yield Issue("contact_missing", "No contact is associated with the deal.")
    if not companies:
        yield Issue("company_missing", _without_company(suggestions))
    elif primary is None:
        yield Issue("primary_company_missing", "None of the deal's companies is its primary one.")
    for kind, missing in fetched.missing.items():
        records = f"{kind.replace('_', ' ')} of the deal that it did not return"
        message = f"HubSpot lists {records} (archived or deleted): {', '.join(missing)}."
        yield Issue("associated_record_missing", message)
    for kind in fetched.truncated:
        message = f"The deal has more than 100 {kind.replace('_', ' ')}; only the first 100 were read."
        yield Issue("associations_truncated", message)


def _without_company(suggestions: Sequence[Suggestion]) -> str:
    if not suggestions:
        return "No company is associated with the deal, and its contacts point to none."
    names = ", ".join(
        f"{suggestion.name or 'a company without a name'} ({suggestion.company_id})" for suggestion in suggestions
    )
    return f"No company is associated with the deal. Its contacts point to {names}."


STAGE = Stage(key="associate", label="Associate", run=run, needs=(fetch.STAGE.key,), timeout_seconds=60)
