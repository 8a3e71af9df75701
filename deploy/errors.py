"""The error of the start."""

from core.errors import DealQueueError


class StartError(DealQueueError):
    """Deal Queue cannot start; the message is one sentence with the reason, the place and what to do."""
