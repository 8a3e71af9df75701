"""What an error says, in one line."""

import asyncio

import pytest

from core.error_text import line
from core.errors import DatabaseUnavailable


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("1 is too small.\nHINT: 2"), "1 is too small."),
        (ValueError("\n \n  late\n"), "late"),
        (TimeoutError(), "no answer in time"),
        (DatabaseUnavailable(" \n"), "DatabaseUnavailable"),
        (KeyError(), "KeyError"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
def test_every_error_has_a_sentence(error: BaseException, sentence: str) -> None:
    """The first line with text; without one, what the kind of the error says."""
    assert line(error) == sentence
