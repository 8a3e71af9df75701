"""Reading a JSON object from a request: small, in time, and nothing but an object."""

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.responses import refusal
from core.errors import DealQueueError
from schema.errors import Code

MAX_BYTES = 64 * 1024
DEADLINE_SECONDS = 10


class BadBody(DealQueueError):
    """The body is not what this path takes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self, path: str) -> Response:
        return refusal(path, self.status, Code.BAD_REQUEST, str(self))


async def read_object(request: Request) -> dict[str, Any]:
    """The object that the body holds; BadBody for anything else, however strange."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BadBody(415, "The body must be JSON, sent as `Content-Type: application/json`.")
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            body = await _read(request)
    except TimeoutError:
        raise BadBody(408, f"The body did not arrive within {DEADLINE_SECONDS} seconds.") from None
    except ClientDisconnect:
        raise BadBody(400, "The connection ended before the body did.") from None
    return _object(body)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise BadBody(413, f"The body is larger than {MAX_BYTES} bytes.")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    # orjson refuses what json.loads chokes on: broken UTF-8, lone surrogates, 1,024 levels, numbers beyond a double.
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadBody(400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadBody(400, "The body must be one JSON object.")
    return value
