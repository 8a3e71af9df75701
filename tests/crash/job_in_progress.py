"""What one worker process does with one job, and the transition that the runner would write next."""

from dataclasses import dataclass

from core.errors import DatabaseUnavailable
from crm.errors import MissingScopes, ServerError
from models import RunReason
from pipeline.runs.lease import Lease
from pipeline.runs.transition import Transition
from pipeline.stages.stage import RetryPolicy, SkipRun, StageFailed, StageResult
from pipeline.worker import outcome
from tests.pipeline.staging import Output, stage

KEYS = ("one", "two", "three")
STAGES = tuple(stage(key, retry=RetryPolicy(attempts=2, first_seconds=3600, longest_seconds=3600)) for key in KEYS)
# What a worker may do with a run that it has claimed, the likeliest first.
RUN_ACTIONS = ("advance", "drain", "fail", "skip", "interrupt", "not stored", "block", "refused")


@dataclass(eq=False, slots=True)
class JobInProgress:
    """`position` is the stage that the worker believes the run to be in."""

    worker: str
    deal_id: int
    job_id: int | None
    lease: Lease | None = None
    position: int | None = None
    failures: int = 0
    # The worker has noticed the cancel request.
    cancel_noticed: bool = False
    # Nothing is left to do but to delete the job.
    ended: bool = False
    # A worker does one thing with a run at a time.
    busy: bool = False


def transition(job: JobInProgress, lease: Lease, action: str, how: int) -> Transition:
    """What a runner writes next, judging by the stage that it believes the run to be in."""
    position = lease.position if job.position is None else job.position
    if job.cancel_noticed:
        return outcome.cancelled(position)
    if action == "interrupt":
        return outcome.interrupted(position)
    if action == "not stored":
        return outcome.not_stored(position, DatabaseUnavailable("No space left on device"))
    if job.position is None:
        return outcome.blocked() if action == "block" else outcome.next_stage(lease, position)
    return _end_of_stage(job, lease, position, action, how)


def _end_of_stage(job: JobInProgress, lease: Lease, position: int, action: str, how: int) -> Transition:
    if action == "fail":
        failure = ServerError("502") if how else StageFailed("Refused.")
        return outcome.failed(STAGES[position], position, job.failures, failure)
    if action == "refused":
        error = MissingScopes("Refused.", scopes=(f"crm.objects.{how % 2}.read",))
        return outcome.failed(STAGES[position], position, job.failures, error)
    if action == "skip":
        return outcome.skipped(position, SkipRun(RunReason.NEEDS_ATTENTION, "Nothing to do."))
    result = StageResult(Output(key=f"{lease.run_id}:{KEYS[position]}"))
    return outcome.succeeded(lease, position, result, requeue=action == "drain")
