"""Maps each way in which a stage can end to the transition of its run."""

import random
from dataclasses import replace

from core.error_text import formatted, line
from core.errors import DatabaseUnavailable
from crm.errors import AccessDenied, CrmError, DailyLimitReached, TransientCrmError, Unauthorized
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.lease import Lease
from pipeline.runs.transition import StepEnd, Transition
from pipeline.stages.stage import SkipRun, Stage, StageFailed, StageResult

# Errors that the deal did not cause use up none of its attempts. After HubSpot's daily limit is reached, the next
# attempt begins after this time at the latest.
DAILY_LIMIT_RETRY_SECONDS = 600.0
# The same for an unavailable database.
DATABASE_RETRY_SECONDS = 5.0
LONGEST_RETRY_AFTER_SECONDS = 3_600.0
# Errors that may disappear by themselves: a transient error of HubSpot's, a time-out, a lost connection.
TRANSIENT = (TransientCrmError, OSError)


def next_stage(lease: Lease, position: int) -> Transition:
    """Begin the stage at `position`; the run is DONE when there is none."""
    if position < len(lease.stages):
        return Transition(begin=position)
    return Transition(status=RunStatus.DONE)


def succeeded(lease: Lease, position: int, result: StageResult, *, requeue: bool) -> Transition:
    """Begin the next stage, or requeue the run because the worker drains or the queue is paused."""
    following = next_stage(lease, position + 1)
    if requeue and following.begin is not None:
        following = Transition(status=RunStatus.QUEUED)
    return Transition(
        status=following.status,
        begin=following.begin,
        end=StepEnd(position, StepStatus.DONE, output=result.output.model_dump(mode="json")),
        company_ids=result.company_ids,
        contact_ids=result.contact_ids,
        activity_at=result.activity_at,
        own_activity=result.own_activity,
        next_check=result.next_check,
    )


def blocked() -> Transition:
    """The run has a stage that this release does not know."""
    return Transition(status=RunStatus.FAILED, reason=RunReason.BLOCKED_BY_UNKNOWN_STAGE)


def skipped(position: int, skip: SkipRun) -> Transition:
    end = StepEnd(position, StepStatus.SKIPPED, error_message=str(skip))
    return Transition(status=RunStatus.SKIPPED, reason=skip.reason, end=end)


def interrupted(position: int) -> Transition:
    """The grace period of a stopping worker has ended."""
    end = _unfinished(position, "Interrupted", "The worker was stopped while the stage ran.")
    return Transition(status=RunStatus.QUEUED, end=end)


def cancelled(position: int) -> Transition:
    """The run's cancellation was requested. The run is requeued if the request was withdrawn meanwhile."""
    end = _unfinished(position, "Cancelled", "The stage was stopped because the run was cancelled.")
    return Transition(status=RunStatus.QUEUED, end=end)


def not_stored(position: int, error: BaseException) -> Transition:
    """The database was unavailable when a step was to be stored. The next attempt begins after the last stored step."""
    end = _unfinished(position, "ResultNotStored", f"The database did not store the result: {line(error)}")
    return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=DATABASE_RETRY_SECONDS)


def not_processed(position: int, error: BaseException) -> Transition:
    """The worker itself has made a mistake, such as a result that no database can store."""
    end = StepEnd(
        position,
        StepStatus.FAILED,
        error_type=type(error).__name__,
        error_message=f"The worker could not process the run: {line(error)}",
        traceback=formatted(error),
    )
    return Transition(status=RunStatus.FAILED, end=end)


def failed(stage: Stage, position: int, failures: int, error: Exception) -> Transition:
    """Retry after a transient error, else fail the run. `failures` counts the failed attempts before this one."""
    if isinstance(error, AccessDenied | Unauthorized):
        # Neither the deal nor the stage has caused it: this uses up no attempt, however long it lasts.
        end = replace(_end(stage, position, error, counts=False), traceback=None)
        return Transition(status=RunStatus.RETRYING, end=end, waits_for=error.wanted)
    if (longest := _uncounted_retry(error)) is not None:
        # Thousands of runs may meet this error repeatedly: store no traceback, and spread their next attempts.
        end = replace(_end(stage, position, error, counts=False), traceback=None)
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=random.uniform(longest / 2, longest))  # noqa: S311
    end, failures = _end(stage, position, error, counts=True), failures + 1
    if isinstance(error, TRANSIENT) and failures < stage.retry.attempts:
        retry_after = (error.retry_after or 0.0) if isinstance(error, CrmError) else 0.0
        delay = max(stage.retry.delay_seconds(failures), min(retry_after, LONGEST_RETRY_AFTER_SECONDS))
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=delay)
    if isinstance(error, StageFailed):
        return Transition(status=RunStatus.FAILED, reason=error.reason, end=end, own_activity=error.own_activity)
    return Transition(status=RunStatus.FAILED, end=end)


def is_granted(waited_for: str, to: Transition) -> bool:
    """Whether the attempt of a run that waited for this shows that HubSpot no longer refuses it."""
    if to.end is None:
        return False
    return to.end.status is StepStatus.DONE or to.waits_for not in {None, waited_for}


def _uncounted_retry(error: Exception) -> float | None:
    """The longest delay until the next attempt, if neither the deal nor its stage caused the error."""
    if isinstance(error, DatabaseUnavailable):
        return DATABASE_RETRY_SECONDS
    return DAILY_LIMIT_RETRY_SECONDS if isinstance(error, DailyLimitReached) else None


def _unfinished(position: int, error_type: str, message: str) -> StepEnd:
    return StepEnd(position, StepStatus.PENDING, error_type=error_type, error_message=message)


def _end(stage: Stage, position: int, error: Exception, *, counts: bool) -> StepEnd:
    message = line(error) if str(error) else f"{stage.label} failed with {type(error).__name__} and no message."
    if not str(error) and isinstance(error, TimeoutError):
        message = f"{stage.label} took longer than {stage.timeout_seconds:g} s."
    return StepEnd(
        position,
        StepStatus.FAILED,
        error_type=type(error).__name__,
        error_message=message,
        traceback=formatted(error),
        counts=counts,
    )
