"""Tokens: where they come from, and how a wrong setting is reported."""

import hashlib
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.session.tokens import Tokens, api_tokens_entry
from core.errors import ConfigurationError
from core.settings import ADMIN_TOKEN_FILE, Settings
from resolvers.viewer import Role, Viewer
from tests.api.application import ADMIN_TOKEN, settings_in

SHA = hashlib.sha256(b"a secret").hexdigest()


def tokens(folder: Path, listed: str) -> Tokens:
    return Tokens.load(settings_in(folder, api_tokens=SecretStr(listed)))


def test_a_token_identifies_the_viewer_of_its_entry(tmp_path: Path) -> None:
    """Spaces and capitals do not matter; two entries may share a name while one replaces the other."""
    listed = f"ci:operator:{SHA} , ci:viewer:{hashlib.sha256(b'older').hexdigest().upper()},"
    known = tokens(tmp_path, listed)
    assert known.find("a secret") == Viewer("ci", Role.OPERATOR)
    assert known.find("older") == Viewer("ci", Role.VIEWER)


def test_the_token_of_the_first_start_is_the_admins(tmp_path: Path) -> None:
    """It is read from the data folder; without the file there is none."""
    known = tokens(tmp_path, "")
    assert known.find(ADMIN_TOKEN) == Viewer("admin", Role.ADMIN)
    (tmp_path / ADMIN_TOKEN_FILE).unlink()
    assert Tokens.load(Settings.model_validate({"data_dir": tmp_path})).find(ADMIN_TOKEN) is None


@pytest.mark.parametrize("secret", ["", " ", "a secre", "a secret ", SHA, "ä", "\ud800", "x" * 100_000])
def test_any_other_text_identifies_no_viewer(tmp_path: Path, secret: str) -> None:
    """The digest itself is no token; a text that cannot be encoded is wrong, not an error."""
    assert tokens(tmp_path, f"ci:viewer:{SHA}").find(secret) is None


@pytest.mark.parametrize(
    ("listed", "position", "what"),
    [
        ("ci", 1, "it has 1 parts between colons"),
        (f"ci:viewer:{SHA}:x", 1, "it has 4 parts"),
        (f"ci:viewer:{SHA},a b:viewer:{SHA}", 2, "the name consists of letters"),
        (f":viewer:{SHA}", 1, "the name consists of"),
        (f"ci:root:{SHA}", 1, "the role of `ci` is `root`; it must be one of viewer, operator, admin"),
        (f"ci:viewer:{SHA},,cd:viewer:{SHA[:-1]}", 3, "is not a SHA-256"),
        (f"ci:viewer:{'z' * 64}", 1, "is not a SHA-256"),
    ],
)
def test_an_invalid_entry_is_reported_by_its_position(tmp_path: Path, listed: str, position: int, what: str) -> None:
    """With what is wrong, and never with its digest."""
    with pytest.raises(ConfigurationError) as error:
        tokens(tmp_path, listed)
    assert f"API_TOKENS: entry {position} is invalid: " in str(error.value)
    assert what in str(error.value)
    assert SHA[:-1] not in str(error.value)


def test_an_empty_or_unreadable_token_file_is_an_error(tmp_path: Path) -> None:
    """It must not become an empty token."""
    settings = settings_in(tmp_path)
    (tmp_path / ADMIN_TOKEN_FILE).write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        Tokens.load(settings)
    (tmp_path / ADMIN_TOKEN_FILE).write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Tokens.load(settings)


def test_a_printed_entry_is_accepted(tmp_path: Path) -> None:
    """API_TOKENS accepts what `python -m api token` prints."""
    assert tokens(tmp_path, api_tokens_entry("ada@example.com", Role.VIEWER, "s")).find("s") == Viewer(
        "ada@example.com", Role.VIEWER
    )
    with pytest.raises(ConfigurationError, match="`a:b` does not"):
        api_tokens_entry("a:b", Role.VIEWER, "s")
