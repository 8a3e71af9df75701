"""Deduplicate: other open deals of the same company or contact that may be this deal entered twice. Merges nothing.

When the runs of two duplicates overlap, the deal that is fetched first may not find the other; the other finds it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, text

from crm.catalog import Catalog
from pipeline.stages import associate
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.deal_facts import instant_or_none, load_facts, number_or_none
from pipeline.stages.deduplicate import similarity
from pipeline.stages.fetch import fetch
from pipeline.stages.fetch.output import FetchOutput
from pipeline.stages.findings import Finding, Issue, grade
from pipeline.stages.stage import Stage, StageContext, StageResult

# Both conditions are served by GIN indexes; the time of creation filters what they find.
_SAME_COMPANY_OR_CONTACT = text("""
SELECT hubspot_deal_id, name, amount, currency, hubspot_pipeline, hubspot_stage, hubspot_created_at,
       company_ids && CAST(:company_ids AS text[]) AS same_company
FROM deals
WHERE (company_ids && CAST(:company_ids AS text[]) OR contact_ids && CAST(:contact_ids AS text[]))
  AND id <> :deal_id AND archived_at IS NULL AND merged_into IS NULL
  AND (hubspot_created_at BETWEEN CAST(:created_at AS timestamptz) - CAST(:within AS interval)
                              AND CAST(:created_at AS timestamptz) + CAST(:within AS interval)
       OR hubspot_created_at IS NULL OR CAST(:created_at AS timestamptz) IS NULL)
ORDER BY hubspot_created_at DESC NULLS LAST, id DESC
LIMIT :most
""")


class Candidate(BaseModel):
    """`score`, 0 to 100, is how similar the two deals are."""

    hubspot_deal_id: str
    name: str | None
    amount: Decimal | None
    currency: str | None
    same_company: bool
    score: int


class DeduplicateOutput(BaseModel):
    """`compared` counts the deals that were compared; candidates are sorted by descending score."""

    compared: int
    candidates: list[Candidate]
    findings: list[Finding]


async def run(context: StageContext) -> StageResult:
    fetched = context.output_of(fetch.STAGE.key, FetchOutput)
    associated = context.output_of(associate.STAGE.key, AssociateOutput)
    if reason := await _why_not_comparable(context, fetched, associated):
        findings = grade([Issue("duplicates_not_searched", reason)], context.rulebook)
        return StageResult(DeduplicateOutput(compared=0, candidates=[], findings=findings))
    deals = await _others(context, fetched, associated)
    candidates = await _candidates(context, fetched, deals)
    findings = grade([_issue(candidates)] if candidates else [], context.rulebook)
    return StageResult(DeduplicateOutput(compared=len(deals), candidates=candidates, findings=findings))


async def _why_not_comparable(context: StageContext, fetched: FetchOutput, associated: AssociateOutput) -> str | None:
    facts = await load_facts(fetched.judged, context.catalog, context.now)
    if not facts.is_open:
        return "Only open deals are compared, and this one is closed or its stage is unknown."
    if not facts.text("dealname"):
        return "A deal without a name cannot be compared with others."
    if not associated.company_ids and not associated.contact_ids:
        return "The deal has no company or contact, so there are no deals to compare it with."
    return None


async def _others(context: StageContext, fetched: FetchOutput, associated: AssociateOutput) -> Sequence[Row[Any]]:
    limits = context.rulebook.duplicates
    return await context.database.run(
        _SAME_COMPANY_OR_CONTACT,
        {
            "deal_id": context.deal_id,
            "company_ids": associated.company_ids,
            "contact_ids": associated.contact_ids,
            "created_at": instant_or_none(fetched.properties.get("createdate")),
            "within": timedelta(days=limits.created_within_days),
            "most": limits.most_compared,
        },
    )


async def _candidates(context: StageContext, fetched: FetchOutput, deals: Sequence[Row[Any]]) -> list[Candidate]:
    this, limits = _comparable(fetched.properties), context.rulebook.duplicates
    shared_words = similarity.words(company.name for company in fetched.companies)
    found = []
    for deal in deals:
        other = similarity.Comparable(deal.name or "", deal.amount, deal.currency, deal.hubspot_created_at)
        score = similarity.score(this, other, shared_words, limits)
        if score is not None and await _is_open(context.catalog, deal):
            found.append(_candidate(deal, score))
    return sorted(found, key=lambda candidate: -candidate.score)[: limits.most_told]


def _comparable(properties: Mapping[str, str | None]) -> similarity.Comparable:
    get = properties.get
    return similarity.Comparable(
        name=get("dealname") or "",
        amount=number_or_none(get("amount")),
        currency=get("deal_currency_code"),
        created_at=instant_or_none(get("createdate")),
    )


def _candidate(deal: Row[Any], score: int) -> Candidate:
    return Candidate(
        hubspot_deal_id=deal.hubspot_deal_id,
        name=deal.name,
        amount=deal.amount,
        currency=deal.currency,
        same_company=deal.same_company,
        score=score,
    )


async def _is_open(catalog: Catalog, deal: Row[Any]) -> bool:
    stage = await catalog.stage(deal.hubspot_pipeline or "", deal.hubspot_stage or "")
    return stage is not None and not stage.is_closed


def _issue(candidates: Sequence[Candidate]) -> Issue:
    names = ", ".join(f"{candidate.hubspot_deal_id} ({candidate.score} of 100)" for candidate in candidates)
    message = f"The deal may have been entered twice; it is similar to {names}."
    return Issue("duplicate_suspected", message, "dealname")


STAGE = Stage(key="deduplicate", label="Deduplicate", run=run, needs=(fetch.STAGE.key, associate.STAGE.key))
