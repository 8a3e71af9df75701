"""Writes to HubSpot what is not there yet: looks first, and looks again where it cannot know whether it has written.

What HubSpot has is the truth: not what an earlier run remembers, which may have failed half-way or live in a database
that is gone. Nothing is changed but our own properties; nothing is removed, closed or merged.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from crm.errors import RecordNotFound, RequestRefused, TransientCrmError
from crm.retries import may_have_succeeded
from models import RunReason
from pipeline.stage import StageContext, StageFailed
from pipeline.stages import fetch
from pipeline.stages.marks import Marked, digest, marked
from pipeline.stages.payload import Request


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told, if it is news; `about` is the digest of its findings."""

    request: Request
    about: str


class Written(BaseModel):
    """`updated_at` is HubSpot's time of our change: what the sync reads with that time is no change of anybody's.

    No id: there was no news, so none was written.
    """

    updated_at: str | None
    note_id: str | None
    task_id: str | None


async def tell(context: StageContext, update: Request, note: Message, task: Message | None) -> Written:
    """SkipRun when the deal is not there any more; StageFailed, with HubSpot's text, when it refuses."""
    try:
        await _check_there(context)
        updated_at = await _update(context, update)
        note_id = await _note(context, note)
        task_id = await _task(context, task, is_news=note_id is not None) if task else None
    except RecordNotFound:
        raise await fetch.absence(context.crm, context.hubspot_deal_id) from None
    except RequestRefused as error:
        raise StageFailed(str(error), RunReason.NEEDS_ATTENTION) from error
    return Written(updated_at=updated_at, note_id=note_id, task_id=task_id)


async def _check_there(context: StageContext) -> None:
    """It may be hours since the deal was fetched; written under a former id, this would end up at another deal."""
    deal = await context.crm.get_deal(context.hubspot_deal_id)
    if deal.record.id != context.hubspot_deal_id:
        raise fetch.merged(deal.record.id)


async def _update(context: StageContext, update: Request) -> str | None:
    """Sent again by a next attempt, it sets the same values."""
    changed = await context.crm.patch_deal(context.hubspot_deal_id, update.body["properties"])
    if changed.id != context.hubspot_deal_id:
        raise fetch.merged(changed.id)
    return changed.updated_at


async def _note(context: StageContext, note: Message) -> str | None:
    """None when the newest note says the same, or there is none and nothing to say."""
    ours = await _notes(context)
    if mine := _of_this_run(context, ours, note):
        return mine.id
    if (ours[0].about if ours else NOTHING) == note.about:
        return None
    return await _once(lambda: context.crm.create_note(note.request.body), lambda: _notes(context), context, note)


async def _task(context: StageContext, task: Message, *, is_news: bool) -> str | None:
    """None when one about the same is still to be done, or was done and nothing has changed since."""
    ours = await _tasks(context)
    if mine := _of_this_run(context, ours, task):
        return mine.id
    same = [one for one in ours if one.about == task.about]
    if same and (not is_news or any(one.is_open for one in same)):
        return None
    return await _once(lambda: context.crm.create_task(task.request.body), lambda: _tasks(context), context, task)


async def _once(
    create: Callable[[], Awaitable[str]],
    look: Callable[[], Awaitable[Sequence[Marked]]],
    context: StageContext,
    message: Message,
) -> str:
    """Never sent again here: where it is not found after an unknown outcome, the next attempt looks once more."""
    try:
        return await create()
    except TransientCrmError as error:
        mine = _of_this_run(context, await look(), message) if may_have_succeeded(error) else None
        if mine is None:
            raise
        return mine.id


def _of_this_run(context: StageContext, ours: Sequence[Marked], message: Message) -> Marked | None:
    mine = (context.idempotency_key, message.about)
    return next((one for one in ours if (one.key, one.about) == mine), None)


async def _notes(context: StageContext) -> list[Marked]:
    return marked(await context.crm.notes_of_deal(context.hubspot_deal_id), "hs_note_body")


async def _tasks(context: StageContext) -> list[Marked]:
    return marked(await context.crm.tasks_of_deal(context.hubspot_deal_id), "hs_task_body")


NOTHING = digest([])
