"""Why an operation was refused. The message is the sentence that the person reads; the class is for programs.

OperationRefused
 +- NotFound             there is no such deal, run or bulk operation
 +- AmbiguousDeal        the number is one deal's id here and another deal's in HubSpot
 +- AlreadyRunning       the deal has an active run
 +- NothingToRetry       the last run is done, or there is none
 +- UnknownStage         this release has no stage of that name
 +- StageNotReached      an earlier stage has not finished, so that the run cannot begin there
 +- NothingToCancel      the deal has no active run, or its cancellation is under way
 +- NothingToUndo        nothing was cancelled, or it was too long ago
 +- NotHeld              no run is held
 +- AlreadyPaused        the queue is paused
 +- NotPaused            the queue is not paused
 +- NothingSelected      no deal matches, or neither ids nor a filter were given
 +- TooManyDeals         more deals match than one bulk operation takes
 +- BulkEnded            the bulk operation has ended
"""

from core.errors import DealQueueError


class OperationRefused(DealQueueError):
    """Nothing was changed; the message says why."""


class NotFound(OperationRefused):
    """There is no such deal, run or bulk operation."""


class AmbiguousDeal(OperationRefused):
    """The number is one deal's id here and another deal's in HubSpot."""


class AlreadyRunning(OperationRefused):
    """The deal has an active run; it has one at most."""


class NothingToRetry(OperationRefused):
    """The last run is done, or the deal has none."""


class UnknownStage(OperationRefused):
    """This release has no stage of that name."""


class StageNotReached(OperationRefused):
    """A run can only begin after stages that have finished."""


class NothingToCancel(OperationRefused):
    """The deal has no active run, or it is being cancelled already."""


class NothingToUndo(OperationRefused):
    """Nothing was cancelled, or it is too late."""


class NotHeld(OperationRefused):
    """No run is held."""


class AlreadyPaused(OperationRefused):
    """The queue is paused."""


class NotPaused(OperationRefused):
    """The queue is not paused."""


class NothingSelected(OperationRefused):
    """No deal matches, or neither ids nor a filter were given."""


class TooManyDeals(OperationRefused):
    """More deals match than one bulk operation takes."""


class BulkEnded(OperationRefused):
    """The bulk operation has ended."""
