"""What one process does with one job, and what a runner would write next from where it believes that it is."""

from dataclasses import dataclass

from core.errors import DatabaseUnavailable
from crm.errors import ServerError
from models import RunReason
from pipeline.runs.lease import Lease
from pipeline.runs.transition import Transition
from pipeline.stages.stage import RetryPolicy, SkipRun, StageFailed, StageResult
from pipeline.worker import outcome
from tests.pipeline.staging import Output, stage

KEYS = ("one", "two", "three")
STAGES = tuple(stage(key, retry=RetryPolicy(attempts=2, first_seconds=3600, longest_seconds=3600)) for key in KEYS)
# What a worker may do with a run that it has, from the likeliest on.
ENDINGS = ("advance", "give back", "fail", "skip", "interrupt", "refuse", "block")


@dataclass(eq=False, slots=True)
class Hand:
    """What a process does with one job. `position` is the stage that it believes to be in."""

    worker: str
    deal: int
    job: int | None
    lease: Lease | None = None
    position: int | None = None
    failures: int = 0
    # It has noticed that somebody wants the run's end.
    stops: bool = False
    # Nothing is left to do but to finish the job.
    over: bool = False
    # A process does one thing with a run at a time.
    busy: bool = False


def transition(hand: Hand, lease: Lease, action: str, how: int) -> Transition:
    """What a runner writes next, from where it believes that it is."""
    position = lease.position if hand.position is None else hand.position
    if hand.stops:
        return outcome.cancelled(position)
    if action == "interrupt":
        return outcome.interrupted(position)
    if action == "refuse":
        return outcome.not_stored(position, DatabaseUnavailable("No space left on device"))
    if hand.position is None:
        return outcome.blocked() if action == "block" else outcome.next_stage(lease, position)
    return _end_of_stage(hand, lease, position, action, how)


def _end_of_stage(hand: Hand, lease: Lease, position: int, action: str, how: int) -> Transition:
    if action == "fail":
        error = ServerError("502") if how else StageFailed("Refused.")
        return outcome.failed(STAGES[position], position, hand.failures, error)
    if action == "skip":
        return outcome.skipped(position, SkipRun(RunReason.NEEDS_ATTENTION, "Nothing to do."))
    result = StageResult(Output(key=f"{lease.run_id}:{KEYS[position]}"))
    return outcome.succeeded(lease, position, result, requeue=action == "give back")
