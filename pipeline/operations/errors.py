"""Why an operation was refused. The message is the sentence that the person reads; the class is for programs.

OperationRefused
 +- NotFound             no such deal, run or bulk operation
 +- AmbiguousDeal        the number is one deal's id here and another deal's in HubSpot
 +- AlreadyRunning       the deal has an active run
 +- NothingToRetry       the last run is done, or there is none
 +- UnknownStage         this release has no stage of that name
 +- StageNotReached      an earlier stage has not finished, so that the run cannot begin there
 +- NothingToCancel      the deal has no active run, or its cancellation is under way
 +- NothingToUndo        nothing was cancelled, or too long ago
 +- NotHeld              no run is held
 +- AlreadyPaused        the queue is paused
 +- NotPaused            the queue is not paused
 +- NothingSelected      a filter or a list that no deal answers to
 +- BulkIsOver           a bulk operation that has ended already
"""

from core.errors import DealQueueError


class OperationRefused(DealQueueError):
    """Nothing was changed; the message says why."""


class NotFound(OperationRefused):
    """There is no such thing here."""


class AmbiguousDeal(OperationRefused):
    """The number means one deal here and another one in HubSpot."""


class AlreadyRunning(OperationRefused):
    """The deal has an active run; it has one at most."""


class NothingToRetry(OperationRefused):
    """There is no unfinished run to take up again."""


class UnknownStage(OperationRefused):
    """This release has no stage of that name."""


class StageNotReached(OperationRefused):
    """A run can only begin behind stages that have finished."""


class NothingToCancel(OperationRefused):
    """No run of the deal is active, or it is being cancelled already."""


class NothingToUndo(OperationRefused):
    """Nothing was cancelled, or it is too late."""


class NotHeld(OperationRefused):
    """No run waits for a decision."""


class AlreadyPaused(OperationRefused):
    """The queue is paused."""


class NotPaused(OperationRefused):
    """The queue is not paused."""


class NothingSelected(OperationRefused):
    """No deal answers to what was asked for."""


class BulkIsOver(OperationRefused):
    """The bulk operation has ended."""
