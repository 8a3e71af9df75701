"""A page that contradicts itself is asked for again: the wire sees nothing wrong with it, only a scan can."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from crm.errors import BadResponse

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.2

Page = TypeVar("Page")


async def page_retry(read: Callable[[], Awaitable[Page]]) -> Page:
    async for attempt in stamina.retry_context(on=BadResponse, attempts=ATTEMPTS, wait_initial=FIRST_WAIT_SECONDS):
        with attempt:
            return await read()
    raise AssertionError("stamina yields at least one attempt")
