"""Reads `.env`. A line that might be a setting and has no effect is an error: the setting would silently be missing."""

import io
import re
from collections.abc import Collection
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from core.errors import ConfigurationError
from core.text_files import read_text

# The parser takes time that grows with the square of the spaces in a row: on 16,000 it took two seconds.
MOST_SPACES = 200
_SPACES = re.compile(rf"[^\S\r\n]{{{MOST_SPACES + 1}}}")
_NEWLINE = re.compile(r"\r\n|\n|\r")
_OPEN_QUOTE = re.compile(r"[^=#]*=\s*['\"]")


def read_dot_env(path: Path, names: Collection[str]) -> dict[str, str]:
    """The values of the settings in `names`, which are lower case, as the file has them; none without a file.

    Names that are not ours are passed over. ConfigurationError, which contains no value, names the line.
    """
    text = read_text(path)
    if text is None:
        return {}
    if spaces := _SPACES.search(text):
        number = len(_NEWLINE.findall(text, 0, spaces.start())) + 1
        raise ConfigurationError(f"{path}, line {number}: there are more than {MOST_SPACES} spaces in a row.")
    _check(path, text, names)
    values = dotenv_values(stream=io.StringIO(text))
    return {name.lower(): value for name, value in values.items() if value and name.lower() in names}


def _check(path: Path, text: str, names: Collection[str]) -> None:
    """Each line is an assignment, and no setting has two values."""
    seen: dict[str, tuple[str | None, int]] = {}
    for binding in parse_stream(io.StringIO(text)):
        line = _line_of(binding)
        if binding.error:
            raise ConfigurationError(f"{path}, line {line}: {_what_is_wrong(binding)}")
        if binding.key is None or binding.key.lower() not in names:
            continue
        name = binding.key.upper()
        if binding.value is None:
            raise ConfigurationError(f"{path}, line {line}: {name} has no value. Write {name}=value.")
        value, first = seen.setdefault(name, (binding.value, line))
        if value != binding.value:
            raise ConfigurationError(
                f"{path}, line {line}: {name} has another value than in line {first}. Keep one of the two lines."
            )


def _line_of(binding: Binding) -> int:
    """The parser counts blank lines as a part of the assignment that follows them."""
    written = binding.original.string
    blank = written[: len(written) - len(written.lstrip())]
    return binding.original.line + len(_NEWLINE.findall(blank))


def _what_is_wrong(binding: Binding) -> str:
    if _OPEN_QUOTE.match(binding.original.string.lstrip()):
        return "the quotation mark is not closed, or text follows the one that closes it."
    return "this is no assignment. Write NAME=value, or # before a comment."
