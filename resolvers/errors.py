"""What a reader can get wrong."""

from core.errors import DealQueueError


class BadInput(DealQueueError):
    """What was asked for cannot be answered as asked; the message says what can."""
