"""Reads the JSON object of a request body: of limited size, within a deadline."""

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.responses import error_response
from core.errors import DealQueueError
from schema.errors import Code

MAX_BYTES = 64 * 1024
DEADLINE_SECONDS = 10


class BadBody(DealQueueError):
    """The request body is not a JSON object, or not one that this path accepts."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self, path: str) -> Response:
        return error_response(path, self.status, Code.BAD_REQUEST, str(self))


async def read_object(request: Request) -> dict[str, Any]:
    """The object that the body holds; BadBody for anything else."""
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
    try:
        # orjson refuses what json.loads fails on: broken UTF-8, lone surrogates, 1,024 levels, numbers beyond a double.
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadBody(400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadBody(400, "The body must be one JSON object.")
    return value


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise BadBody(413, f"The body is larger than {MAX_BYTES} bytes.")
    return bytes(body)
