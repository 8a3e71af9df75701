"""Tokens of people and programs: read from the settings once, at start; only their digests are kept."""

import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from api.session.digest import digest
from core.errors import ConfigurationError
from core.settings import ADMIN_TOKEN_FILE, Settings
from resolvers.viewer import Role, Viewer

_NAME = re.compile(r"[A-Za-z0-9._@-]+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
NAMES = "letters, digits and . _ @ -"
ROLES = ", ".join(Role)


class Token(NamedTuple):
    digest: bytes
    viewer: Viewer


class Tokens:
    """Every token that is valid as long as this process runs."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens

    @classmethod
    def load(cls, settings: Settings) -> "Tokens":
        """From API_TOKENS and the file that the first start made; ConfigurationError for what is neither."""
        listed = settings.api_tokens.get_secret_value()
        return cls((*_listed(listed), *_first(settings.data_dir / ADMIN_TOKEN_FILE)))

    def find(self, secret: str) -> Viewer | None:
        """Whose token it is. Compares with each, so that the time says nothing about any of them."""
        given = digest(secret)
        found = [token.viewer for token in self._tokens if hmac.compare_digest(token.digest, given)]
        return found[0] if found else None


def entry(name: str, role: Role, secret: str) -> str:
    """The token's entry in API_TOKENS; ConfigurationError for a name that cannot stand there."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"A token's name consists of {NAMES}; `{name}` does not.")
    return f"{name}:{role}:{digest(secret).hex()}"


def _listed(text: str) -> Iterator[Token]:
    entries = [part.strip() for part in text.split(",")]
    for position, part in enumerate(entries, 1):
        if part:
            yield _token(position, part)


def _token(position: int, part: str) -> Token:
    fields = part.split(":")
    if len(fields) != 3:
        raise _wrong(position, f"it has {len(fields)} parts between colons; `name:role:sha256hex` has three")
    name, role, sha256 = fields
    if not _NAME.fullmatch(name):
        raise _wrong(position, f"the name consists of {NAMES}")
    if role not in tuple(Role):
        raise _wrong(position, f"the role of `{name}` is `{role}`; it must be one of {ROLES}")
    if not _SHA256.fullmatch(sha256):
        raise _wrong(position, f"what stands behind the role of `{name}` is not a SHA-256 in 64 hexadecimal digits")
    return Token(bytes.fromhex(sha256), Viewer(name, Role(role)))


def _wrong(position: int, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"API_TOKENS: entry {position} is wrong: {what}. `python -m api token NAME --role ROLE` prints a right one."
    )


def _first(file: Path) -> Iterator[Token]:
    try:
        secret = file.read_text().strip()
    except FileNotFoundError:
        return
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}. It holds the token of the first start.") from None
    if not secret:
        raise ConfigurationError(f"{file} is empty. Delete it; the next start makes a new token.")
    yield Token(digest(secret), Viewer("admin", Role.ADMIN))
