"""A deal's state in one or two sentences for a person."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from models import RunReason, StepStatus
from resolvers.deal_state import StateWord
from resolvers.queue_position import MAX_COUNTED, QueuePosition
from resolvers.rows import DealState, StepDetail, StepRow
from resolvers.run_controls import RunControls

_BECAUSE = {
    RunReason.BLOCKED_BY_UNKNOWN_STAGE: "this release does not know one of its stages",
    RunReason.NEEDS_ATTENTION: "it needs attention",
    RunReason.CRASHED: "its worker crashed repeatedly while it ran",
    RunReason.ARCHIVED: "it is in HubSpot's recycle bin",
    RunReason.MERGED: "it was merged into another deal",
    RunReason.NOT_FOUND: "HubSpot no longer has it",
    RunReason.NOT_SELECTED: "it was in HubSpot before the first sync, and BACKFILL_PROCESS excludes it",
}


class DealSituation(NamedTuple):
    """What a sentence needs. `step` is the current or last stage of the run; `controls` is None of an ended run."""

    state: DealState
    step: StepRow | None
    detail: StepDetail | None
    controls: RunControls | None


def queued_sentence(place: QueuePosition, situation: DealSituation) -> str:
    far = place.position > MAX_COUNTED
    late = " It has waited longer than 95 of 100 deals." if situation.state.word is StateWord.LATE else ""
    words = f"Queued at position {f'{MAX_COUNTED:,}+' if far else f'{place.position:,}'}.{late}"
    if paused := _paused(situation.controls):
        return f"{words} {paused}"
    if place.starts_in is None:
        return f"{words} Too few deals have ended recently to estimate when it starts."
    takes = "" if place.takes is None else f" and takes about {_about(place.takes)}"
    more = "more than" if far else "about"
    return f"{words} At the current rate it starts in {more} {_about(place.starts_in)}{takes}."


def state_sentence(situation: DealSituation) -> str:
    return _SENTENCES[situation.state.word](situation)


def _held(_: DealSituation) -> str:
    return "Held: too many deals arrived or changed at once. It waits until they are approved or dropped."


def _running(situation: DealSituation) -> str:
    step, controls, words = situation.step, situation.controls, "A worker has claimed it."
    # Between the claim and the first stage, the last step is that of the previous claim.
    if step and step.started_at and step.status is StepStatus.RUNNING:
        words = f"In stage {step.label} since {format_time(step.started_at)}."
    if situation.state.word is StateWord.STUCK:
        words += " It is taking far longer than usual, or its worker has stopped sending heartbeats."
    if controls and controls.cancel_requested_at:
        words += f" It is being cancelled, as requested at {format_time(controls.cancel_requested_at)}."
    return words


def _retrying(situation: DealSituation) -> str:
    state, step, controls = situation.state, situation.step, situation.controls
    due = state.latest_run.next_attempt_at if state.latest_run and not (controls and controls.is_due) else None
    if state.waits_for and due:
        at = f" at stage {step.label}" if step else ""
        waits = f"It waits{at} for {state.waits_for}, and continues by itself once HubSpot grants it"
        return f"{_paused(controls)} {waits}{_error(situation.detail)}".lstrip()
    attempt = f"Attempt {state.next_attempt} of stage {step.label}" if step else "The first attempt"
    if paused := _paused(controls):
        when = "when it is resumed" if due is None else f"when it is resumed, not before {format_time(due)}"
        return f"{paused} {attempt} follows {when}{_error(situation.detail)}"
    when = "as soon as a worker is free" if due is None else f"at {format_time(due)}"
    return f"{attempt} follows {when}{_error(situation.detail)}"


def _done(situation: DealSituation) -> str:
    return f"Done{_ended(situation.state)}."


def _failed(situation: DealSituation) -> str:
    """A run that failed between two stages has no failed step."""
    step, ended = situation.step, f"{_ended(situation.state)}{_because(situation.state)}"
    if step is None or step.status is not StepStatus.FAILED:
        return f"Failed{ended}."
    return f"Failed in stage {step.label}{ended}{_error(situation.detail)}"


def _cancelled(situation: DealSituation) -> str:
    return f"Cancelled{_ended(situation.state)}."


def _skipped(situation: DealSituation) -> str:
    return f"Skipped{_ended(situation.state)}{_because(situation.state)}{_error(situation.detail)}"


def _waiting(_: DealSituation) -> str:
    return "It waits for its first run."


_SENTENCES: dict[StateWord, Callable[[DealSituation], str]] = {
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


def _paused(controls: RunControls | None) -> str:
    """Empty unless the queue is paused."""
    if controls is None or controls.paused_at is None:
        return ""
    by = f" by {controls.paused_by}" if controls.paused_by else ""
    return f"The queue has been paused since {format_time(controls.paused_at)}{by}."


def _because(state: DealState) -> str:
    return f", because {_BECAUSE[state.reason]}" if state.reason in _BECAUSE else ""


def _ended(state: DealState) -> str:
    ended_at = state.latest_run and state.latest_run.ended_at
    return f" at {format_time(ended_at)}" if ended_at else ""


def _error(detail: StepDetail | None) -> str:
    return f": {detail.error_message}" if detail and detail.error_message else "."


def format_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _about(seconds: float) -> str:
    """Two significant figures: an estimate is no more exact.

    >>> _about(80), _about(95), _about(5400)
    ('80 s', '2 minutes', '90 minutes')
    """
    # From 90 s on the figure is at least 2: never "1 minutes".
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if timedelta(seconds=seconds) < timedelta(hours=3):
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
