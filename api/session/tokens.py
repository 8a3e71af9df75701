"""API tokens of people and programs: read once, at start; only their digests are kept in memory."""

import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from api.session.digest import digest
from core.errors import ConfigurationError
from core.settings import ADMIN_TOKEN_FILE, Settings
from core.text_files import read_text
from resolvers.viewer import Role, Viewer

_NAME = re.compile(r"[A-Za-z0-9._@-]+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
ALLOWED_IN_NAMES = "letters, digits and . _ @ -"
ROLES = ", ".join(Role)


class Token(NamedTuple):
    digest: bytes
    viewer: Viewer


class Tokens:
    """All valid tokens; they do not change while the process runs."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens

    @classmethod
    def load(cls, settings: Settings) -> "Tokens":
        """From API_TOKENS and the admin token file; ConfigurationError if either is malformed."""
        listed = settings.api_tokens.get_secret_value()
        return cls((*_listed(listed), *_admin_token(settings.data_dir / ADMIN_TOKEN_FILE)))

    def find(self, secret: str) -> Viewer | None:
        """The token's owner. Compares with every token, so that the time reveals nothing about any of them."""
        given = digest(secret)
        found = [token.viewer for token in self._tokens if hmac.compare_digest(token.digest, given)]
        return found[0] if found else None


def api_tokens_entry(name: str, role: Role, secret: str) -> str:
    """The token's entry in API_TOKENS; ConfigurationError for a name that is not allowed there."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"A token's name consists of {ALLOWED_IN_NAMES}; `{name}` does not.")
    return f"{name}:{role}:{digest(secret).hex()}"


def _listed(text: str) -> Iterator[Token]:
    entries = [part.strip() for part in text.split(",")]
    for position, part in enumerate(entries, 1):
        if part:
            yield _token(position, part)


def _token(position: int, part: str) -> Token:
    fields = part.split(":")
    if len(fields) != 3:
        raise _invalid(position, f"it has {len(fields)} parts between colons; `name:role:sha256hex` has three")
    name, role, sha256 = fields
    if not _NAME.fullmatch(name):
        raise _invalid(position, f"the name consists of {ALLOWED_IN_NAMES}")
    if role not in tuple(Role):
        raise _invalid(position, f"the role of `{name}` is `{role}`; it must be one of {ROLES}")
    if not _SHA256.fullmatch(sha256):
        raise _invalid(position, f"the part after the role of `{name}` is not a SHA-256 in 64 hexadecimal digits")
    return Token(bytes.fromhex(sha256), Viewer(name, Role(role)))


def _invalid(position: int, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"API_TOKENS: entry {position} is invalid: {problem}. "
        "Run `python -m api token NAME --role ROLE` to print a valid one."
    )


def _admin_token(file: Path) -> Iterator[Token]:
    text = read_text(file)
    if text is None:
        return
    if not (secret := text.strip()):
        raise ConfigurationError(f"{file} is empty. Delete it; the next start creates a new token.")
    yield Token(digest(secret), Viewer("admin", Role.ADMIN))
