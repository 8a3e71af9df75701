"""Where is my deal? One answer in words, whatever the deal was called by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, or_, select

from models import ACTIVE, RunReason, StepStatus
from resolvers.address import Address, read_address
from resolvers.context import Context
from resolvers.deal_state import StateWord
from resolvers.queue import DEAL_COLUMNS, deals
from resolvers.queue_position import MOST_COUNTED, Halts, Place, halts_of, place_of, unseen
from resolvers.rows import DealRow, DealState, StepDetail, StepRow


class Whereabouts(NamedTuple):
    """`deal` is None when it is not here; `position` only of one that waits in the queue."""

    words: str
    deal: DealRow | None = None
    position: int | None = None


class _Found(NamedTuple):
    deal: DealRow
    archived_at: datetime | None
    merged_into: str | None
    purged_at: datetime | None


class _Standing(NamedTuple):
    """How a deal stands, for a sentence: `step` is the stage that its run has come to, `halts` None when it is over."""

    state: DealState
    step: StepRow | None
    detail: StepDetail | None
    halts: Halts | None


# Where one number is the id of two deals, ours goes first: HubSpot's have ten digits and more.
_OWN_ID = bindparam("own_id", type_=BigInteger)
_FIND = (
    select(*DEAL_COLUMNS, deals.c.archived_at, deals.c.merged_into, deals.c.purged_at)
    .where(or_(deals.c.hubspot_deal_id == bindparam("hubspot_deal_id"), deals.c.id == _OWN_ID))
    .order_by((deals.c.id == _OWN_ID).desc().nulls_last())
    .limit(1)
)

_BECAUSE = {
    RunReason.BLOCKED_BY_UNKNOWN_STAGE: "this release does not know one of its stages",
    RunReason.NEEDS_ATTENTION: "it needs somebody's attention",
    RunReason.CRASHED: "its worker ended again and again while it ran",
    RunReason.ARCHIVED: "it is in HubSpot's recycle bin",
    RunReason.MERGED: "it was merged into another deal",
    RunReason.NOT_FOUND: "HubSpot does not have it any more",
    RunReason.NOT_SELECTED: "it was in HubSpot before Deal Queue was, and BACKFILL_PROCESS leaves it out",
}


async def find_whereabouts(context: Context, text: str) -> Whereabouts:
    """BadInput when the text names no deal."""
    address = read_address(text)
    rows = await context.database.run(_FIND, address._asdict())
    if not rows:
        return Whereabouts(await _unseen(context, address))
    found = _Found(DealRow._make(rows[0][: len(DEAL_COLUMNS)]), *rows[0][len(DEAL_COLUMNS) :])
    state = await context.loaders.states.load(found.deal.id)
    if left := _left(found):
        return Whereabouts(left, found.deal)
    standing = await _standing(context, state)
    if state.word in {StateWord.WAITING, StateWord.LATE} and state.latest_run is not None:
        place = await place_of(context.database, state.latest_run.id)
        return Whereabouts(_queued(place, standing), found.deal, place.position)
    return Whereabouts(_SENTENCES[state.word](standing), found.deal)


async def _standing(context: Context, state: DealState) -> _Standing:
    step, run = state.last_step, state.latest_run
    detail = await context.loaders.detail(step) if step else None
    halts = await halts_of(context.database, run.id) if run and run.status in ACTIVE else None
    return _Standing(state, step, detail, halts)


async def _unseen(context: Context, address: Address) -> str:
    sync = await unseen(context.database, address.hubspot_deal_id)
    if sync.rejected:
        return f"HubSpot's record of this deal could not be read so far: {sync.rejected}"
    if sync.looked_at is None:
        return "The sync has not seen this deal yet; it has not looked at HubSpot so far."
    more = "" if sync.backfilled else " The first reading of all deals is still under way."
    return (
        f"The sync has not seen this deal. It last looked at {_at(sync.looked_at)}, "
        f"and looks every {context.sync_interval_seconds} s.{more}"
    )


def _left(found: _Found) -> str | None:
    if found.merged_into:
        return f"Merged into deal {found.merged_into} of HubSpot."
    if found.purged_at:
        return f"HubSpot has this deal no more; noticed at {_at(found.purged_at)}."
    if found.archived_at:
        return f"In HubSpot's recycle bin since {_at(found.archived_at)}."
    return None


def _queued(place: Place, standing: _Standing) -> str:
    far = place.position > MOST_COUNTED
    late = " It waits longer than 95 of 100 deals do." if standing.state.word is StateWord.LATE else ""
    words = f"Queued at position {f'{MOST_COUNTED:,}+' if far else f'{place.position:,}'}.{late}"
    if paused := _paused(standing.halts):
        return f"{words} {paused}"
    if place.starts_in is None:
        return f"{words} Too few deals have ended lately to tell when it starts."
    takes = "" if place.takes is None else f", and takes about {_about(place.takes)}"
    return (
        f"{words} At the present pace it starts in {'more than' if far else 'about'} {_about(place.starts_in)}{takes}."
    )


def _paused(halts: Halts | None) -> str:
    """Empty while the queue goes on."""
    if halts is None or halts.paused_at is None:
        return ""
    by = f" by {halts.paused_by}" if halts.paused_by else ""
    return f"The queue has been paused since {_at(halts.paused_at)}{by}."


def _held(_: _Standing) -> str:
    return "Held: too many new deals came at once. It waits until somebody approves them, or drops them."


def _running(standing: _Standing) -> str:
    step, halts, words = standing.step, standing.halts, "A worker has taken it up."
    # Between the claim and its first stage the last one is that of the worker before.
    if step and step.started_at and step.status is StepStatus.RUNNING:
        words = f"In stage {step.label} since {_at(step.started_at)}."
    if standing.state.word is StateWord.STUCK:
        words += " It takes far longer than usual, or its worker gives no sign."
    if halts and halts.cancel_requested_at:
        words += f" It is being cancelled, as was asked for at {_at(halts.cancel_requested_at)}."
    return words


def _retrying(standing: _Standing) -> str:
    state, step, halts = standing.state, standing.step, standing.halts
    due = state.latest_run.next_attempt_at if state.latest_run and not (halts and halts.is_due) else None
    attempt = f"Attempt {state.next_attempt} of stage {step.label}" if step else "The first attempt"
    if paused := _paused(halts):
        when = "when it is resumed" if due is None else f"when it is resumed, not before {_at(due)}"
        return f"{paused} {attempt} follows {when}{_error(standing.detail)}"
    when = "as soon as a worker is free" if due is None else f"at {_at(due)}"
    return f"{attempt} follows {when}{_error(standing.detail)}"


def _done(standing: _Standing) -> str:
    return f"Done{_ended(standing.state)}."


def _failed(standing: _Standing) -> str:
    """A run that was parked between two stages has failed in none of them."""
    step, ended = standing.step, f"{_ended(standing.state)}{_because(standing.state)}"
    if step is None or step.status is not StepStatus.FAILED:
        return f"Failed{ended}."
    return f"Failed in stage {step.label}{ended}{_error(standing.detail)}"


def _cancelled(standing: _Standing) -> str:
    return f"Cancelled{_ended(standing.state)}."


def _skipped(standing: _Standing) -> str:
    return f"Skipped{_ended(standing.state)}{_because(standing.state)}{_error(standing.detail)}"


def _waiting(_: _Standing) -> str:
    return "It waits for its first run."


_SENTENCES: dict[StateWord, Callable[[_Standing], str]] = {
    StateWord.WAITING: _waiting,
    StateWord.LATE: _waiting,
    StateWord.HELD: _held,
    StateWord.RUNNING: _running,
    StateWord.STUCK: _running,
    StateWord.RETRYING: _retrying,
    StateWord.DONE: _done,
    StateWord.FAILED: _failed,
    StateWord.CANCELLED: _cancelled,
    StateWord.SKIPPED: _skipped,
}


def _because(state: DealState) -> str:
    return f", because {_BECAUSE[state.reason]}" if state.reason in _BECAUSE else ""


def _ended(state: DealState) -> str:
    ended_at = state.latest_run and state.latest_run.ended_at
    return f" at {_at(ended_at)}" if ended_at else ""


def _error(detail: StepDetail | None) -> str:
    return f": {detail.error_message}" if detail and detail.error_message else "."


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _about(seconds: float) -> str:
    """Two figures of it are all that an estimate is worth.

    >>> _about(80), _about(95), _about(5400)
    ('80 s', '2 minutes', '90 minutes')
    """
    # Below it is one minute, and not minutes.
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if timedelta(seconds=seconds) < timedelta(hours=3):
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
