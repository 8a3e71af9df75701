"""`.env`: what it sets, and the sentence for a line that would silently have no effect."""

from pathlib import Path

import pytest

from core.dot_env import read_dot_env
from core.errors import ConfigurationError

NAMES = {"port", "api_tokens"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_settings_are_read_and_other_names_passed_over(file: Path) -> None:
    """Upper or lower case, quoted or not, exported or not, with comments; an empty value is none."""
    assert read_dot_env(file, NAMES) == {}
    file.write_text(
        "# A comment.\n\nexport PORT = '8001' # ours\r\n"
        'API_TOKENS="one,\ntwo"\nOTHER=1\nOTHER=2\nUNSET\n  \nPYTHONPATH=\n',
        newline="",
    )
    assert read_dot_env(file, NAMES) == {"port": "8001", "api_tokens": "one,\ntwo"}
    file.write_text("PORT=\nport=\n")
    assert read_dot_env(file, NAMES) == {}
    file.write_text("PORT=8001\nPORT=8001\n")
    assert read_dot_env(file, NAMES) == {"port": "8001"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("PORT=8001\n\n=canary\n", 3, "this is no assignment. Write NAME=value, or # before a comment."),
        ("two canary words\n", 1, "this is no assignment. Write NAME=value, or # before a comment."),
        ("PORT: canary\n", 1, "this is no assignment. Write NAME=value, or # before a comment."),
        ("\r\n\r\nPORT='canary\n", 3, "the quotation mark is not closed, or text follows the one that closes it."),
        ('API_TOKENS="can"ary"\n', 1, "the quotation mark is not closed, or text follows the one that closes it."),
        ("# PORT\nPORT\n", 2, "PORT has no value. Write PORT=value."),
        ("PORT=canary\n\nport=8001\n", 3, "PORT has another value than in line 1. Keep one of the two lines."),
        ("PORT=8001\nPORT=\n", 2, "PORT has another value than in line 1. Keep one of the two lines."),
        (f"\nOTHER=1{' ' * 30_000}#", 2, "there are more than 200 spaces in a row."),
    ],
)
def test_a_line_without_effect_is_refused(file: Path, text: str, line: int, why: str) -> None:
    """By its number, and without a value, which may be a secret."""
    file.write_text(text, newline="")
    with pytest.raises(ConfigurationError) as refused:
        read_dot_env(file, NAMES)
    assert str(refused.value) == f"{file}, line {line}: {why}"


def test_a_very_long_line_is_read(file: Path) -> None:
    """As long as a file may be."""
    file.write_text(f"# {'-' * 500_000}\nAPI_TOKENS={'x' * 500_000}")
    assert len(read_dot_env(file, NAMES)["api_tokens"]) == 500_000
