"""The one error of starting up."""

from core.errors import DealQueueError


class StartError(DealQueueError):
    """Deal Queue cannot start; the message is one sentence that says what, where and what to do."""
