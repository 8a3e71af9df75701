"""A cursor is exact, opaque and has one spelling."""

import contextlib
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.cursor import Cursor
from resolvers.errors import BadInput

cursors = st.builds(Cursor, st.datetimes(timezones=st.just(UTC)), st.integers(1, 2**63 - 1))


@given(cursors)
@settings(max_examples=50)
def test_what_is_written_is_read_back_to_the_microsecond(cursor: Cursor) -> None:
    """And it can stand in an address as it is."""
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@given(st.text() | st.text(string.ascii_letters + string.digits + "-_=", min_size=20, max_size=28))
@settings(max_examples=50)
def test_a_text_is_refused_or_is_the_spelling_of_a_position(text: str) -> None:
    """No text at all makes anything but BadInput."""
    try:
        cursor = Cursor.decode(text)
    except BadInput:
        return
    assert cursor.encode() == text


def test_a_changed_character_is_another_position_or_none() -> None:
    """Two texts never stand for the same position."""
    cursor = Cursor(datetime(2026, 11, 1, 12, tzinfo=UTC), 7)
    text = cursor.encode()
    for index in range(len(text)):
        changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
        with contextlib.suppress(BadInput):
            assert Cursor.decode(changed) != cursor


def test_a_long_text_is_not_sent_back_whole() -> None:
    """An error is a sentence, not an echo."""
    with pytest.raises(BadInput) as refused:
        Cursor.decode("x" * 10_000)
    assert len(str(refused.value)) < 200
