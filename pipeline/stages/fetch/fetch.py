"""Fetch: the deal as HubSpot has it now, with its contacts, companies, line items and stage history."""

from collections.abc import Iterator, Sequence

from crm.client import FoundDeal
from crm.errors import RecordNotFound
from crm.history import Version
from crm.properties import ACTIVITY
from pipeline.stages.absent_deal import absence, archived, merged
from pipeline.stages.deal_facts import instant_or_none, load_facts
from pipeline.stages.fetch.deal_content import MAX_RECORDS, RECORD_KINDS, STAGE_PROPERTY, DealContent, is_truncated
from pipeline.stages.fetch.hydration import hydrated
from pipeline.stages.fetch.last_activity import last_activity
from pipeline.stages.fetch.output import (
    COMPANIES,
    CONTACTS,
    LINE_ITEMS,
    FetchOutput,
    StageVisit,
    company,
    contact,
    line_item,
)
from pipeline.stages.redaction import redacted_properties
from pipeline.stages.stage import Stage, StageContext, StageResult


async def run(context: StageContext) -> StageResult:
    """From a batch if one has the deal; else the deal by itself, the only way to learn why it cannot be read."""
    hidden = context.rulebook.stored.redact
    hydrating = hydrated(context.database, context.crm, context.deal_id, context.rulebook)
    content = await hydrating or await _read_alone(context)
    contacts, companies, line_items = (content.records[kind].records for kind in (CONTACTS, COMPANIES, LINE_ITEMS))
    facts = await load_facts(content.properties, context.catalog, context.now)
    activity = await last_activity(context.database, context.deal_id, facts.instant(ACTIVITY))
    output = FetchOutput(
        read_at=content.read_at,
        pipeline=facts.pipeline.label if facts.pipeline else None,
        stage=facts.stage.label if facts.stage else None,
        owner=facts.owner.name if facts.owner else None,
        stage_history=list(_visits(content.stage_history)),
        properties=redacted_properties(content.properties, hidden),
        unreadable=list(content.unreadable),
        contacts=[contact(record, hidden) for record in contacts],
        companies=[company(record) for record in companies],
        line_items=[line_item(record, hidden) for record in line_items],
        missing={kind: result.missing for kind, result in content.records.items() if result.missing},
        truncated=list(content.truncated),
        last_activity_at=activity.at,
        activity_is_ours=activity.is_ours,
    )
    return StageResult(
        output,
        company_ids=[found.id for found in output.companies],
        contact_ids=[found.id for found in output.contacts],
        activity_at=activity.at,
    )


async def _read_alone(context: StageContext) -> DealContent:
    deal = await _deal(context)
    records = {
        kind: await context.crm.batch_read(path, deal.associated[kind].ids[:MAX_RECORDS], properties)
        for kind, (path, properties) in RECORD_KINDS.items()
    }
    truncated = [kind for kind in RECORD_KINDS if is_truncated(deal.associated[kind])]
    record, history = deal.record, deal.history[STAGE_PROPERTY]
    return DealContent(context.now, record.properties, list(record.unreadable), history, records, truncated)


async def _deal(context: StageContext) -> FoundDeal:
    """SkipRun when there is nothing to process: the deal is archived, merged into another one, or deleted."""
    requested = context.hubspot_deal_id
    try:
        deal = await context.crm.get_deal(requested, associations=tuple(RECORD_KINDS), history=(STAGE_PROPERTY,))
    except RecordNotFound:
        raise await absence(context.crm, requested) from None
    if deal.record.id != requested:
        raise merged(deal.record.id)
    if deal.record.archived:
        raise archived()
    return deal


def _visits(versions: Sequence[Version]) -> Iterator[StageVisit]:
    for version in versions:
        since = instant_or_none(version.timestamp)
        if version.value and since is not None:
            yield StageVisit(stage=version.value, since=since)


# Five calls, each of which HubSpot ends after ten seconds, and their retries.
STAGE = Stage(key="fetch", label="Fetch", run=run, timeout_seconds=60)
