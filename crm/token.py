"""The HubSpot token: read for each request, so that a new one needs no restart; not sent while HubSpot refuses it."""

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

# A revoked token must not cause hundreds of failing calls; HubSpot counts them against the account.
REFUSED_SECONDS = 60.0


class HubSpotCredential:
    """The token of the Authorization header, and whether HubSpot has just refused it."""

    def __init__(self, source: TokenSource, clock: Clock) -> None:
        """ConfigurationError, which does not contain the token, when the token cannot be sent in a header."""
        self._source = source
        self._clock = clock
        self._refused: tuple[str, float, Unauthorized] | None = None
        _checked(source())

    def __repr__(self) -> str:
        return "HubSpotCredential()"

    def token(self) -> str:
        """The token to send; Unauthorized, as HubSpot reported it, when HubSpot has just refused this token."""
        text = _checked(self._source())
        if self._refused is not None:
            refused, until, error = self._refused
            if text == refused and self._clock.monotonic() < until:
                raise Unauthorized(
                    str(error), status=error.status, category=error.category, correlation_id=error.correlation_id
                )
        return text

    def refuse(self, token: str, error: Unauthorized) -> None:
        """Send this token no more for REFUSED_SECONDS; a different token is sent at once."""
        self._refused = (token, self._clock.monotonic() + REFUSED_SECONDS, error)


def settings_token(settings: Settings) -> TokenSource:
    """The token of these settings, read again when `.env` has changed, which costs one stat per call.

    HUBSPOT_TOKEN in the environment takes precedence over the file, as at the start. When the file cannot be read, or
    contains no token any more, the previous token stays. ConfigurationError when there is no token now.
    """
    current, seen, uses_sandbox = settings.hubspot_credential(), _stamp(), settings.uses_sandbox

    def token() -> SecretStr:
        nonlocal current, seen
        if (stamp := _stamp()) != seen:
            seen = stamp
            current = _reloaded(current, uses_sandbox)
        return current

    return token


def _reloaded(current: SecretStr, uses_sandbox: bool) -> SecretStr:
    """Of the same account as at the start: the base URL is that one's, and gets no token of the other."""
    try:
        found = _loaded(uses_sandbox)
    except ConfigurationError as error:
        log.warning("hubspot.token_not_reloaded", reason=str(error))
        return current
    if found != current:
        log.info("hubspot.token_changed")
    return found


def _loaded(uses_sandbox: bool) -> SecretStr:
    settings = Settings.load()
    if settings.uses_sandbox != uses_sandbox:
        is_set = "is not set any more" if settings.uses_sandbox else "is set now"
        raise ConfigurationError(f"HUBSPOT_TOKEN {is_set}, which takes effect with the next start.")
    found = settings.hubspot_credential()
    _checked(found)
    return found


def _stamp() -> tuple[int, int, int] | None:
    """Changes with the settings file; None without one. A file that was replaced within one tick has another inode."""
    name = Settings.model_config.get("env_file")
    try:
        status = Path(str(name)).stat() if name else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None


def _checked(token: SecretStr) -> str:
    """ConfigurationError, which does not contain the token, when it cannot be sent in a header."""
    text = token.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError("HUBSPOT_TOKEN must be one word of ASCII characters, exactly as HubSpot shows it.")
    return text
