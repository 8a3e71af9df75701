"""What becomes of a run: the transition that each way a stage can end leads to."""

import random
import traceback
from dataclasses import replace

from core.errors import DatabaseUnavailable
from crm.errors import CrmError, DailyLimitReached, TransientCrmError, Unauthorized
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.lease import Lease
from pipeline.runs.transition import StepEnd, Transition
from pipeline.stages.stage import SkipRun, Stage, StageFailed, StageResult

# No fault of the deal's, so that none of its attempts is used up; how long until the next look, at most. HubSpot has no
# calls left for today; or it does not take our token: a good one puts everything right, without a restart.
NEXT_LOOK_SECONDS: tuple[tuple[type[Exception], float], ...] = ((DailyLimitReached, 600.0), (Unauthorized, 300.0))
LONGEST_ASKED_SECONDS = 3_600.0
# When the database refuses: neither the deal nor its worker can help it.
REFUSED_LOOK_SECONDS = 5.0
# What may pass by itself: HubSpot's bad moments, a time-out, a connection that was cut.
TRANSIENT = (TransientCrmError, OSError)


def after(lease: Lease, position: int) -> Transition:
    """Begin the stage at `position`; the run is done when there is none."""
    if position < len(lease.stages):
        return Transition(begin=position)
    return Transition(status=RunStatus.DONE)


def succeeded(lease: Lease, position: int, result: StageResult, *, handed_back: bool) -> Transition:
    """Go on, or back to the queue when the worker is to stop or the queue is paused."""
    following = after(lease, position + 1)
    if handed_back and following.begin is not None:
        following = Transition(status=RunStatus.QUEUED)
    return Transition(
        status=following.status,
        begin=following.begin,
        end=StepEnd(position, StepStatus.DONE, output=result.output.model_dump(mode="json")),
        company_ids=result.company_ids,
        contact_ids=result.contact_ids,
    )


def blocked() -> Transition:
    """The run has a stage that this release does not know."""
    return Transition(status=RunStatus.FAILED, reason=RunReason.BLOCKED_BY_UNKNOWN_STAGE)


def skipped(position: int, skip: SkipRun) -> Transition:
    end = StepEnd(position, StepStatus.SKIPPED, error_message=str(skip))
    return Transition(status=RunStatus.SKIPPED, reason=skip.reason, end=end)


def interrupted(position: int) -> Transition:
    """The grace of a stopping worker is over."""
    end = _unfinished(position, "Interrupted", "The worker was stopped in the middle of the stage.")
    return Transition(status=RunStatus.QUEUED, end=end)


def cancelled(position: int) -> Transition:
    """Somebody has asked for the end of the run; back to the queue if that has been taken back meanwhile."""
    end = _unfinished(position, "Cancelled", "The stage was cut off: somebody had asked for the end of the run.")
    return Transition(status=RunStatus.QUEUED, end=end)


def refused(position: int, error: BaseException) -> Transition:
    """The database did not take what was to be written: later, and from the last step that it did take."""
    end = _unfinished(position, "DatabaseRefused", f"The database did not take the result: {_first_line(error)}")
    return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=REFUSED_LOOK_SECONDS)


def failed(stage: Stage, position: int, failures: int, error: Exception) -> Transition:
    """Try again later when that may help, else the run has failed. `failures` counts the attempts before this one."""
    if (innocent := _next_look(error)) is not None:
        # Thousands of runs may meet it again and again: no traceback of each, and not all of them at one moment.
        end = replace(_end(stage, position, error, counts=False), traceback=None)
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=random.uniform(innocent / 2, innocent))  # noqa: S311
    end, failures = _end(stage, position, error, counts=True), failures + 1
    if isinstance(error, TRANSIENT) and failures < stage.retry.attempts:
        delay = max(stage.retry.delay_seconds(failures), _asked_for(error))
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=delay)
    return Transition(status=RunStatus.FAILED, reason=error.reason if isinstance(error, StageFailed) else None, end=end)


def _next_look(error: Exception) -> float | None:
    """In how many seconds, when neither the deal nor its stage can help it."""
    if isinstance(error, DatabaseUnavailable):
        return REFUSED_LOOK_SECONDS
    return next((seconds for kind, seconds in NEXT_LOOK_SECONDS if isinstance(error, kind)), None)


def _asked_for(error: Exception) -> float:
    """How many seconds HubSpot wants us to wait; its word is kept up to an hour."""
    asked = error.retry_after if isinstance(error, CrmError) else None
    return min(asked or 0.0, LONGEST_ASKED_SECONDS)


def _unfinished(position: int, error_type: str, message: str) -> StepEnd:
    return StepEnd(position, StepStatus.PENDING, error_type=error_type, error_message=message)


def _end(stage: Stage, position: int, error: Exception, *, counts: bool) -> StepEnd:
    return StepEnd(
        position,
        StepStatus.FAILED,
        error_type=type(error).__name__,
        error_message=str(error) or _words(stage, error),
        traceback="".join(traceback.format_exception(error)),
        counts=counts,
    )


def _words(stage: Stage, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"{stage.label} took longer than {stage.timeout_seconds:g} s."
    return f"{stage.label} ended with {type(error).__name__} and no message."


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
