"""JSON as HubSpot sends it. What is JSON but for one value is read: one deal must not make a page unreadable."""

import json
import math
import re
from typing import Any, NoReturn

import orjson

# Stands for what cannot be read of a text: half a character, or bytes that are not UTF-8.
REPLACEMENT = "\ufffd"
TOO_DEEP = "(nested too deeply)"
# One escape after the other, so that the "u" after an escaped backslash begins none. A pair of surrogates is one.
_PAIR, _ALONE = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", rb"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:" + _PAIR + rb"|(" + _ALONE + rb")|u0000|.)", re.DOTALL)
# Of an integer; one of more digits may be outside 64 bits.
_EXACT_DIGITS = 18


def read_json(body: bytes) -> Any:
    """ValueError when it is no JSON; half a character, and bytes that are not UTF-8, are replaced with U+FFFD.

    A number that no float can hold is text.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        text = _ESCAPE.sub(_whole_character, body).decode("utf-8", "replace")
    try:
        return json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_text(value: object) -> str:
    """A value as JSON, with sorted keys; TOO_DEEP in its place where it is nested deeper than 254 levels."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        return f'"{TOO_DEEP}"'


def without_nul(text: str) -> str:
    """JSON text without the escapes of NUL, which is valid JSON but not valid jsonb."""
    return _ESCAPE.sub(_no_nul, text.encode()).decode() if "\\u0000" in text else text


def _whole_character(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]


def _no_nul(escape: re.Match[bytes]) -> bytes:
    return b"" if escape[0] == rb"\u0000" else escape[0]


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _EXACT_DIGITS else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
