"""The link that signs the admin's browser in."""

import time

import httpx

from api.session.sessions import Sessions
from core.database import Database
from core.errors import DealQueueError
from core.settings import Settings
from resolvers.viewer import Role, Viewer

# The longest of the first starts: migrations on a slow machine.
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.2

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound to


class NotReady(DealQueueError):
    """The API did not become ready in time."""


def base_url(settings: Settings) -> str:
    """Where a browser on this machine finds the page."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{_ANY_ADDRESS.get(settings.host, host)}:{settings.port}"


async def sign_in_link(settings: Settings) -> str:
    """A fresh link: for one sign-in, within ten minutes. The code stands in the fragment, which no server sees."""
    database = Database.connect(settings.database(), name="link", pool_size=1)
    try:
        code = await Sessions(database).offer(Viewer("admin", Role.ADMIN))
    finally:
        await database.close()
    return f"{base_url(settings)}/#code={code}"


def wait_until_ready(settings: Settings, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Return when /readyz answers 200; NotReady when it does not in time."""
    end = time.monotonic() + patience_seconds
    last = "nothing answers"
    while time.monotonic() < end:
        try:
            answer = httpx.get(f"{base_url(settings)}/readyz", timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            last = str(error) or type(error).__name__
        else:
            if answer.status_code == httpx.codes.OK:
                return
            last = answer.text
        time.sleep(PAUSE_SECONDS)
    raise NotReady(f"{base_url(settings)} was not ready within {patience_seconds:.0f} seconds; it last said: {last}")
