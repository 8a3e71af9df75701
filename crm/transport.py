"""The HTTP layer: a call to HubSpot within the rate budget and limits of time and size; JSON or one of our errors."""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import stamina
import structlog

from core.clock import SystemClock
from core.errors import ConfigurationError
from crm.budget.protocol import Budget, Policy
from crm.call_count import count
from crm.error_responses import error_from
from crm.errors import BadResponse, ConnectionFailed, CrmError, NotConnected, RateLimited, TimedOut, Unauthorized
from crm.json_body import read_json
from crm.retries import ATTEMPTS, ReadRetryPolicy, WriteRetryPolicy
from crm.token import HubSpotCredential, TokenSource

log = structlog.get_logger()

# Ten times the largest response to be expected for a page of 200 deals.
LARGEST_RESPONSE_BYTES = 16 * 1024 * 1024
# For a whole call: a response that arrives byte by byte must not hold up a stage. HubSpot ends most calls after 10 s.
CALL_SECONDS = 20.0
TIMEOUTS = httpx.Timeout(connect=5.0, read=15.0, write=10.0, pool=10.0)
CONNECTIONS = httpx.Limits(max_connections=20, max_keepalive_connections=10)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HubSpotResponse:
    """`headers` have lower-case names."""

    body: Json
    headers: Mapping[str, str]
    status: int


class Transport:
    """A connection pool to one base URL."""

    def __init__(
        self, base_url: str, token: TokenSource, budget: Budget, httpx_transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self._credential = HubSpotCredential(token, SystemClock())
        self._budget = budget
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Accept": "application/json"},
            timeout=TIMEOUTS,
            limits=CONNECTIONS,
            # The token must be sent to this host and to no other.
            follow_redirects=False,
            # A proxy of the environment is for HubSpot, not for the sandbox on loopback.
            trust_env=self.base_url.scheme == "https",
            transport=httpx_transport,
        )

    def __repr__(self) -> str:
        return f"Transport({str(self.base_url)!r})"

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def get(self, path: str, **query: str | int | bool) -> HubSpotResponse:
        return await self._send(ReadRetryPolicy(), "GET", path, Policy.BURST, params=query)

    async def post(self, path: str, body: Json, *, policy: Policy = Policy.BURST, **query: str) -> HubSpotResponse:
        """A search or a batch read, which HubSpot takes as POST."""
        return await self._send(ReadRetryPolicy(), "POST", path, policy, json=body, params=query)

    async def create(self, path: str, body: Json) -> HubSpotResponse:
        """A write: never sent again once HubSpot may have carried it out."""
        return await self._send(WriteRetryPolicy(), "POST", path, Policy.BURST, json=body)

    async def patch(self, path: str, body: Json) -> HubSpotResponse:
        """A write, like `create`."""
        return await self._send(WriteRetryPolicy(), "PATCH", path, Policy.BURST, json=body)

    async def post_token(self, path: str, field: str) -> HubSpotResponse:
        """A read about the token itself, which is also sent in that field of the body."""
        body = {field: self._credential.token()}
        return await self._send(ReadRetryPolicy(), "POST", path, Policy.BURST, json=body)

    async def _send(
        self, retry_policy: ReadRetryPolicy | WriteRetryPolicy, method: str, path: str, policy: Policy, **content: Any
    ) -> HubSpotResponse:
        async for attempt in stamina.retry_context(on=retry_policy, attempts=ATTEMPTS, wait_initial=0.2):
            with attempt:
                # Before the budget: a refused token must use no call of it.
                self._credential.token()
                await self._budget.acquire(policy)
                return await self._send_once(policy, self._http.build_request(method, path, **content))
        raise AssertionError("stamina yields at least one attempt")

    async def _send_once(self, policy: Policy, request: httpx.Request) -> HubSpotResponse:
        # Read again, because the token may have changed during the wait for the budget.
        token = self._credential.token()
        request.headers["Authorization"] = f"Bearer {token}"
        try:
            response = await self._call(request, token)
        except CrmError as error:
            count(type(error).__name__ if error.status is None else str(error.status))
            _log(request, error)
            if isinstance(error, Unauthorized):
                self._credential.refuse(token, error)
            if isinstance(error, RateLimited):
                await self._budget.rate_limited(policy, error)
            raise
        count(str(response.status))
        return response

    async def _call(self, request: httpx.Request, token: str) -> HubSpotResponse:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(request, stream=True)
                try:
                    # HubSpot may repeat the request, and a person may have pasted the token into a deal.
                    body = (await _body(response)).replace(token.encode(), b"***")
                    return self._parsed(response, body)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotConnected(f"No connection to HubSpot at {self.base_url.host}: {_reason(error)}") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TimedOut(f"HubSpot at {self.base_url.host} sent no complete response in time.") from error
        except httpx.TransportError as error:
            reason = _reason(error)
            shown = reason.replace(token, "***")
            # httpx quotes from a response head that it cannot parse: neither message nor cause may contain the token.
            cause = error if shown == reason else None
            raise ConnectionFailed(f"The connection to HubSpot at {self.base_url.host} failed: {shown}") from cause
        except httpx.DecodingError as error:
            raise BadResponse("HubSpot sent a response whose compression is broken.") from error

    def _parsed(self, response: httpx.Response, body: bytes) -> HubSpotResponse:
        status = response.status_code
        self._budget.learn(response.headers)
        if not response.is_success:
            raise error_from(status, response.headers, body)
        try:
            parsed = read_json(body)
        except ValueError as error:
            raise BadResponse(f"HubSpot answered {status} with a body that is not JSON.", status=status) from error
        if not isinstance(parsed, dict):
            raise BadResponse(f"HubSpot answered {status} with JSON that is not an object.", status=status)
        return HubSpotResponse(parsed, response.headers, status)


def _reason(error: httpx.TransportError) -> str:
    """httpx's message as the end of a sentence: some of its messages end with a full stop already, some are empty."""
    return f"{str(error).removesuffix('.') or type(error).__name__}."


def _log(request: httpx.Request, error: CrmError) -> None:
    log.warning(
        "hubspot.call_failed",
        method=request.method,
        path=request.url.path,
        error=type(error).__name__,
        status=error.status,
        category=error.category,
        correlation_id=error.correlation_id,
    )


def checked_base_url(text: str) -> httpx.URL:
    """The parsed URL; ConfigurationError unless the token may be sent there."""
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
            f"HUBSPOT_BASE_URL must begin with https:// ({url.scheme}://{url.host} would send the token unencrypted); "
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


async def _body(response: httpx.Response) -> bytes:
    """The decompressed body; BadResponse as soon as it is too large."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_RESPONSE_BYTES:
            raise BadResponse(f"HubSpot sent more than {LARGEST_RESPONSE_BYTES // 1024**2} MB.")
    return bytes(body)
