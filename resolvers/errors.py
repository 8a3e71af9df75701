"""Errors in the arguments of a read."""

from core.errors import DealQueueError


class BadInput(DealQueueError):
    """An argument is invalid; the message says what is valid."""
