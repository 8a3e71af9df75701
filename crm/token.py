"""The token: asked for with each request, so that a new one needs no restart; not sent while HubSpot refuses it."""

from collections.abc import Callable
from pathlib import Path

import structlog
from pydantic import SecretStr

from core.clock import Clock
from core.errors import ConfigurationError
from core.settings import Settings
from crm.errors import Unauthorized

log = structlog.get_logger()

TokenSource = Callable[[], SecretStr]

# A revoked token must not make hundreds of calls that all fail; HubSpot counts them against the account.
REFUSED_SECONDS = 60.0


class HubSpotCredential:
    """What stands in the Authorization header."""

    def __init__(self, source: TokenSource, clock: Clock) -> None:
        """ConfigurationError, without the token, when what the source gives now cannot stand in a header."""
        self._source = source
        self._clock = clock
        self._refused: tuple[str, float, Unauthorized] | None = None
        _checked(source())

    def __repr__(self) -> str:
        return "HubSpotCredential()"

    def token(self) -> str:
        """To be sent now; Unauthorized, as HubSpot said it, when HubSpot has refused this very token a moment ago."""
        text = _checked(self._source())
        if self._refused is not None:
            refused, until, error = self._refused
            if text == refused and self._clock.monotonic() < until:
                raise Unauthorized(
                    str(error), status=error.status, category=error.category, correlation_id=error.correlation_id
                )
        return text

    def refuse(self, token: str, error: Unauthorized) -> None:
        """HubSpot does not accept it: it rests. Another one is tried at once."""
        self._refused = (token, self._clock.monotonic() + REFUSED_SECONDS, error)


def settings_token(settings: Settings) -> TokenSource:
    """The token of these settings, read again when `.env` has changed: one stat a call tells.

    The environment's HUBSPOT_TOKEN goes before that of the file, then as at the start. A file that cannot be read, or
    that has no token any more, changes nothing. ConfigurationError when there is no token now.
    """
    current, seen = settings.hubspot_credential(), _stamp()

    def token() -> SecretStr:
        nonlocal current, seen
        if (stamp := _stamp()) != seen:
            seen = stamp
            current = _reloaded(current)
        return current

    return token


def _reloaded(current: SecretStr) -> SecretStr:
    try:
        found = Settings.load().hubspot_credential()
        _checked(found)
    except ConfigurationError as error:
        log.warning("hubspot.token_not_reloaded", reason=str(error))
        return current
    if found != current:
        log.info("hubspot.token_changed")
    return found


def _stamp() -> tuple[int, int, int] | None:
    """Of the settings file; None when there is none. A file that was replaced within one tick has another inode."""
    name = Settings.model_config.get("env_file")
    try:
        status = Path(str(name)).stat() if name else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None


def _checked(token: SecretStr) -> str:
    """ConfigurationError, without the token, for what cannot stand in a header."""
    text = token.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError("HUBSPOT_TOKEN must be one word of plain characters, as HubSpot shows it.")
    return text
