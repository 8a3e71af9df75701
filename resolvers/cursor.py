"""A position in the queue as a short text: opaque to clients, exact to the microsecond, with one spelling."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from resolvers.errors import BadInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A version mark, microseconds since 1970 and the deal's id. 18 bytes are 24 characters without padding or spare bits,
# so no second text can mean the same position.
_LAYOUT = struct.Struct(">2sqq")
_MARK = b"q1"


class QueueCursor(NamedTuple):
    """The sort key of the last deal of a page."""

    updated_at: datetime
    id: int

    def encode(self) -> str:
        microseconds = (self.updated_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(_LAYOUT.pack(_MARK, microseconds, self.id)).decode()

    @classmethod
    def decode(cls, text: str) -> "QueueCursor":
        """The position that `encode` has written; BadInput for any other text."""
        try:
            mark, microseconds, deal_id = _LAYOUT.unpack(base64.b64decode(text, altchars=b"-_", validate=True))
            cursor = cls(_EPOCH + microseconds * _MICROSECOND, deal_id)
        except (binascii.Error, struct.error, ValueError, OverflowError):
            raise _not_a_cursor(text) from None
        if mark != _MARK or deal_id < 1 or cursor.encode() != text:
            raise _not_a_cursor(text)
        return cursor


def _not_a_cursor(text: str) -> BadInput:
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    return BadInput(f'`before` is not a cursor of this API: "{shown}". Pass a page\'s `nextBefore`, or leave it out.')
