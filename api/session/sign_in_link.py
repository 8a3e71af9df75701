"""The link that signs a browser in as admin."""

import time

import httpx

from api.session.sessions import Sessions
from core.database import Database, check_not_earlier
from core.errors import DealQueueError
from core.settings import Settings
from migrations.head import EARLIER_REVISIONS
from resolvers.viewer import Role, Viewer

# The slowest first start: migrations on a slow machine.
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.2

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


class NotReady(DealQueueError):
    """The API did not become ready in time."""


def base_url(settings: Settings) -> str:
    """The page's URL for a browser on this machine."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{_ANY_ADDRESS.get(settings.host, host)}:{settings.port}"


async def sign_in_link(settings: Settings) -> str:
    """A new link: one sign-in, within ten minutes. The fragment holds the code; browsers send it to no server."""
    database = Database.connect(settings.database(), name="link", pool_size=1)
    try:
        await check_not_earlier(database, EARLIER_REVISIONS)
        code = await Sessions(database).create_code(Viewer("admin", Role.ADMIN))
    finally:
        await database.close()
    return f"{base_url(settings)}/#code={code}"


def wait_until_ready(settings: Settings, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as /readyz answers 200; NotReady if it does not in time."""
    end = time.monotonic() + patience_seconds
    last = "no response"
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
    raise NotReady(f"{base_url(settings)} was not ready within {patience_seconds:.0f} seconds. Last response: {last}")
