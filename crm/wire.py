"""One call to HubSpot: within the budget, within time and size, an answer as JSON or one of our errors."""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
import stamina
import structlog
from pydantic import SecretStr

from core.errors import ConfigurationError
from crm.budget import Budget, Policy
from crm.errors import BadAnswer, ConnectionFailed, CrmError, Locked, RateLimited, TimedOut, TransientCrmError
from crm.refusals import error_from

log = structlog.get_logger()

# Ten times the largest answer that a page of 200 deals can be expected to make.
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
# Of a whole call: an answer that drips must not hold a stage. HubSpot itself cuts most calls after 10 s.
CALL_SECONDS = 20.0
TIMEOUTS = httpx.Timeout(connect=5.0, read=15.0, write=10.0, pool=10.0)
CONNECTIONS = httpx.Limits(max_connections=20, max_keepalive_connections=10)
# Few and short: whoever called has a retry of its own, with minutes between.
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 5.0
# What HubSpot's own client waits after "You have reached your secondly limit", and after 423.
RATE_LIMIT_SECONDS = 1.0
LOCKED_SECONDS = 2.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names."""

    body: Json
    headers: Mapping[str, str]


class Wire:
    """An open connection pool to one base URL. Every call is a read, so every call may be made again."""

    def __init__(
        self, base_url: str, token: SecretStr, budget: Budget, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self._budget = budget
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Authorization": _authorization(token), "Accept": "application/json"},
            timeout=TIMEOUTS,
            limits=CONNECTIONS,
            # The token must reach this host and no other.
            follow_redirects=False,
            # A proxy of the environment is for the way out, not for the sandbox on loopback.
            trust_env=self.base_url.scheme == "https",
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def get(self, path: str, **query: str | int | bool) -> Answer:
        return await self._read("GET", path, Policy.BURST, params=query)

    async def post(self, path: str, body: Json, *, policy: Policy = Policy.BURST) -> Answer:
        """A search or a batch read: HubSpot takes their questions as a body."""
        return await self._read("POST", path, policy, json=body)

    async def _read(self, method: str, path: str, policy: Policy, **content: Any) -> Answer:
        async for attempt in stamina.retry_context(on=_wait_before_retry, attempts=ATTEMPTS, wait_initial=0.2):
            with attempt:
                await self._budget.acquire(policy)
                return await self._logged(method, path, self._http.build_request(method, path, **content))
        raise AssertionError("stamina yields at least one attempt")

    async def _logged(self, method: str, path: str, request: httpx.Request) -> Answer:
        try:
            return await self._call(request)
        except CrmError as error:
            log.warning(
                "hubspot.call_failed",
                method=method,
                path=path,
                error=type(error).__name__,
                status=error.status,
                category=error.category,
                correlation_id=error.correlation_id,
            )
            raise

    async def _call(self, request: httpx.Request) -> Answer:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(request, stream=True)
                try:
                    return self._answer(response, await _body(response))
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TimedOut(f"HubSpot at {self.base_url.host} gave no complete answer in time.") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise ConnectionFailed(f"The connection to HubSpot at {self.base_url.host} failed: {reason}.") from error
        except httpx.DecodingError as error:
            raise BadAnswer("HubSpot sent an answer whose compression is broken.") from error

    def _answer(self, response: httpx.Response, body: bytes) -> Answer:
        self._budget.learn(response.headers)
        if not response.is_success:
            raise error_from(response.status_code, response.headers, body)
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadAnswer(f"HubSpot answered {response.status_code} with something that is not JSON.") from error
        if not isinstance(parsed, dict):
            raise BadAnswer(f"HubSpot answered {response.status_code} with JSON that is not an object.")
        return Answer(parsed, response.headers)


def checked_base_url(text: str) -> httpx.URL:
    """The URL; ConfigurationError unless a token may be sent there."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"HUBSPOT_BASE_URL is not a URL: {error}.") from None
    if url.userinfo or url.query or url.fragment or not url.host:
        raise ConfigurationError(
            "HUBSPOT_BASE_URL must be scheme, host and port alone, for example https://api.hubapi.com."
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise ConfigurationError(
            f"HUBSPOT_BASE_URL must begin with https:// ({url.scheme}://{url.host} would send the token in the clear); "
            "http:// is for loopback addresses only."
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authorization(token: SecretStr) -> str:
    """ConfigurationError, without the token, for what cannot stand in a header."""
    text = token.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError("HUBSPOT_TOKEN must be one word of plain characters, as HubSpot shows it.")
    return f"Bearer {text}"


async def _body(response: httpx.Response) -> bytes:
    """What was sent, decompressed; BadAnswer as soon as it is too large."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise BadAnswer(f"HubSpot sent more than {LARGEST_ANSWER_BYTES // 1024**2} MB.")
    return bytes(body)


def _wait_before_retry(error: Exception) -> bool | float:
    """Whether to call again; a number says after how many seconds."""
    if not isinstance(error, TransientCrmError) or error.category == "DAILY":
        return False
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT_SECONDS else False
    if isinstance(error, RateLimited):
        return RATE_LIMIT_SECONDS
    return LOCKED_SECONDS if isinstance(error, Locked) else True
