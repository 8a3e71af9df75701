"""Writes to HubSpot what it does not have yet. It looks before each write, and again after one of unknown outcome.

HubSpot's content decides, not what an earlier run has stored: that run may have failed half-way, or its database may be
gone. Only our own properties are changed; nothing is deleted, closed or merged.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from crm.errors import RecordNotFound, RequestRefused, TransientCrmError
from crm.retries import may_have_succeeded
from models import RunReason
from pipeline.stages.absent_deal import absence, merged
from pipeline.stages.stage import StageContext, StageFailed
from pipeline.stages.write_back.hubspot_requests import HubSpotRequest
from pipeline.stages.write_back.markers import NO_FINDINGS, MarkedRecord, marked_records


@dataclass(frozen=True, slots=True)
class Draft:
    """A note or task to create, unless HubSpot has one of the same findings; `digest` is theirs."""

    request: HubSpotRequest
    digest: str


class Written(BaseModel):
    """`updated_at` is HubSpot's time of the change of our properties; note and task move the deal's time on.

    An id is None when there was nothing new to write. `own_activity` is when our notes and tasks were made, as far as
    they were read; it is stored with the deal, not with the step.
    """

    updated_at: str | None
    note_id: str | None
    task_id: str | None
    own_activity: list[datetime] = Field(default=[], exclude=True)


async def write(context: StageContext, update: HubSpotRequest, note: Draft, task: Draft | None) -> Written:
    """SkipRun when the deal is not there any more; StageFailed, with HubSpot's text, when HubSpot refuses a write."""
    own: list[datetime] = []
    try:
        await _check_still_there(context)
        updated_at = await _update(context, update)
        note_id = await _write_note(context, note, own)
        task_id = await _write_task(context, task, own, is_news=note_id is not None) if task else None
    except RecordNotFound:
        raise await absence(context.crm, context.hubspot_deal_id) from None
    except RequestRefused as error:
        raise StageFailed(str(error), RunReason.NEEDS_ATTENTION, own_activity=own) from error
    return Written(updated_at=updated_at, note_id=note_id, task_id=task_id, own_activity=own)


async def _check_still_there(context: StageContext) -> None:
    """The deal may have been merged since it was fetched, hours ago; a write under its id would change another one."""
    deal = await context.crm.get_deal(context.hubspot_deal_id)
    if deal.record.id != context.hubspot_deal_id:
        raise merged(deal.record.id)


async def _update(context: StageContext, update: HubSpotRequest) -> str | None:
    """Safe to repeat: the next attempt sets the same values."""
    changed = await context.crm.patch_deal(context.hubspot_deal_id, update.body["properties"])
    if changed.id != context.hubspot_deal_id:
        raise merged(changed.id)
    return changed.updated_at


async def _write_note(context: StageContext, note: Draft, own: list[datetime]) -> str | None:
    """None when the newest note has the same findings, or when there is neither a note nor a finding.

    The times of our notes are added to `own`.
    """
    ours = await _notes(context)
    own += _times(ours)
    if mine := _of_this_run(context, ours, note):
        return mine.id
    if (ours[0].digest if ours else NO_FINDINGS) == note.digest:
        return None
    own.append(context.now)
    return await _create(lambda: context.crm.create_note(note.request.body), lambda: _notes(context), context, note)


async def _write_task(context: StageContext, task: Draft, own: list[datetime], *, is_news: bool) -> str | None:
    """None when a task with the same findings is open, or was completed and the findings have not changed since.

    The times of our tasks are added to `own`.
    """
    ours = await _tasks(context)
    own += _times(ours)
    if mine := _of_this_run(context, ours, task):
        return mine.id
    same = [found for found in ours if found.digest == task.digest]
    if same and (not is_news or any(found.is_open for found in same)):
        return None
    own.append(context.now)
    return await _create(lambda: context.crm.create_task(task.request.body), lambda: _tasks(context), context, task)


async def _create(
    create: Callable[[], Awaitable[str]],
    look: Callable[[], Awaitable[Sequence[MarkedRecord]]],
    context: StageContext,
    draft: Draft,
) -> str:
    """Send the request once. If its outcome is unknown and it is not found, raise: the next attempt looks again."""
    try:
        return await create()
    except TransientCrmError as error:
        mine = _of_this_run(context, await look(), draft) if may_have_succeeded(error) else None
        if mine is None:
            raise
        return mine.id


def _of_this_run(context: StageContext, ours: Sequence[MarkedRecord], draft: Draft) -> MarkedRecord | None:
    mine = (context.idempotency_key, draft.digest)
    return next((found for found in ours if (found.key, found.digest) == mine), None)


def _times(ours: Sequence[MarkedRecord]) -> list[datetime]:
    return [time for record in ours for time in record.active]


async def _notes(context: StageContext) -> list[MarkedRecord]:
    return marked_records(await context.crm.notes_of_deal(context.hubspot_deal_id), "hs_note_body")


async def _tasks(context: StageContext) -> list[MarkedRecord]:
    return marked_records(await context.crm.tasks_of_deal(context.hubspot_deal_id), "hs_task_body")
