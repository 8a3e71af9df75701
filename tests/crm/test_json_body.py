"""A body that is JSON but for a character or a number is read; any other is refused."""

from typing import Any

import orjson
import pytest

from crm.json_body import json_text, read_json, without_nul


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\uD83D"', "\ufffd"),
        (rb'"\uDc00 alone"', "\ufffd alone"),
        (rb'"a\ud83db"', "a\ufffdb"),
        (rb'"\ud83d\ud83d\ude80"', "\ufffd\U0001f680"),
        (rb'"\ude80\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ude80 \ud83d"', "\U0001f680 \ufffd"),
        (rb'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"\ud83d\n\u0041\""', '\ufffd\nA"'),
        (rb'{"a\udfff": "\ud800"}', {"a\ufffd": "\ufffd"}),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"\xed\xa0\xbd\xed\xba\x80"', "\ufffd" * 6),
        (b'"caf\xe9"', "caf\ufffd"),
        (b'{"a": "\xff", "b": 1}', {"a": "\ufffd", "b": 1}),
        (b"[1e400, -1e400]", ["1e400", "-1e400"]),
        (b"1" * 400, "1" * 400),
        (
            rb'["\ud83d", 12, 1.5, true, null, 12345678901234567890]',
            ["\ufffd", 12, 1.5, True, None, "12345678901234567890"],
        ),
    ],
)
def test_what_cannot_be_read_of_a_body_is_replaced(body: bytes, expected: Any) -> None:
    """The rest is read; an escaped backslash before a "u" begins no escape; a number that is too large is text."""
    assert read_json(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "\ud83d',
        rb'{"name": "\ud83d"',
        rb'{"name": "\ud83"}',
        rb'{"name": "\ud83d"} trailing',
        rb"<html>\ud83d</html>",
        rb'{"a": "\ud83d"}<html>',
        rb'["\ud83d", NaN]',
        rb'["\ud83d", -Infinity]',
        rb'["\ud83d", 01]',
        b"",
        b"\xff\xfe{\x00}\x00",
        b"\x1f\x8b\x08",
        b'"\xff',
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    """Cut, mixed with something else, in another encoding, compressed, nested beyond any use."""
    with pytest.raises(ValueError, match=r"."):
        read_json(body)


def test_nul_is_removed_from_json_text_and_nothing_else() -> None:
    """A backslash before "u0000" in a text is no escape."""
    given = {"a\0b": ["\0", r"\u0000", "\\\0"], "c": "\ud7ff"}
    assert orjson.loads(without_nul(orjson.dumps(given).decode())) == {"ab": ["", r"\u0000", "\\"], "c": "\ud7ff"}


def test_a_value_that_is_nested_too_deeply_has_a_text_in_its_place() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    assert json_text({"b": 1, "a": [None]}) == '{"a":[null],"b":1}'
    assert json_text(deep) == '"(nested too deeply)"'
