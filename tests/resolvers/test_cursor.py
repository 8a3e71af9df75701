"""A cursor is exact, opaque and has one spelling."""

import contextlib
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.cursor import QueueCursor
from resolvers.errors import BadInput

cursors = st.builds(QueueCursor, st.datetimes(timezones=st.just(UTC)), st.integers(1, 2**63 - 1))


@given(cursors)
@settings(max_examples=50)
def test_what_is_written_is_read_back_to_the_microsecond(cursor: QueueCursor) -> None:
    """It needs no escaping in a URL."""
    text = cursor.encode()
    assert QueueCursor.decode(text) == cursor
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@given(st.text() | st.text(string.ascii_letters + string.digits + "-_=", min_size=20, max_size=28))
@settings(max_examples=50)
def test_a_text_is_refused_or_is_the_spelling_of_a_position(text: str) -> None:
    """No text raises anything but BadInput."""
    try:
        cursor = QueueCursor.decode(text)
    except BadInput:
        return
    assert cursor.encode() == text


def test_a_changed_character_is_another_position_or_invalid() -> None:
    """Two texts never mean the same position."""
    cursor = QueueCursor(datetime(2026, 11, 1, 12, tzinfo=UTC), 7)
    text = cursor.encode()
    for index in range(len(text)):
        changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
        with contextlib.suppress(BadInput):
            assert QueueCursor.decode(changed) != cursor


def test_a_long_text_is_cut_in_the_error() -> None:
    """The message stays short."""
    with pytest.raises(BadInput) as refused:
        QueueCursor.decode("x" * 10_000)
    assert len(str(refused.value)) < 200
