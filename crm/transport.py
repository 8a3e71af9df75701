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

from core.clock import SystemClock
from core.errors import ConfigurationError
from crm.budget.protocol import Budget, Policy
from crm.call_count import count
from crm.error_responses import error_from
from crm.errors import BadResponse, ConnectionFailed, CrmError, NotConnected, RateLimited, TimedOut, Unauthorized
from crm.retries import ATTEMPTS, ReadRetryPolicy, WriteRetryPolicy
from crm.token import HubSpotCredential, TokenSource

log = structlog.get_logger()

# Ten times the largest answer that a page of 200 deals can be expected to make.
LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
# Of a whole call: an answer that drips must not hold a stage. HubSpot itself cuts most calls after 10 s.
CALL_SECONDS = 20.0
TIMEOUTS = httpx.Timeout(connect=5.0, read=15.0, write=10.0, pool=10.0)
CONNECTIONS = httpx.Limits(max_connections=20, max_keepalive_connections=10)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """`headers` have lower-case names."""

    body: Json
    headers: Mapping[str, str]
    status: int


class Transport:
    """An open connection pool to one base URL."""

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
            # The token must reach this host and no other.
            follow_redirects=False,
            # A proxy of the environment is for the way out, not for the sandbox on loopback.
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

    async def get(self, path: str, **query: str | int | bool) -> JsonResponse:
        return await self._made(ReadRetryPolicy(), "GET", path, Policy.BURST, params=query)

    async def post(self, path: str, body: Json, *, policy: Policy = Policy.BURST, **query: str) -> JsonResponse:
        """A search or a batch read: HubSpot takes their questions as a body."""
        return await self._made(ReadRetryPolicy(), "POST", path, policy, json=body, params=query)

    async def create(self, path: str, body: Json) -> JsonResponse:
        """A write: never sent again once HubSpot may have done it."""
        return await self._made(WriteRetryPolicy(), "POST", path, Policy.BURST, json=body)

    async def patch(self, path: str, body: Json) -> JsonResponse:
        """A write, like `create`."""
        return await self._made(WriteRetryPolicy(), "PATCH", path, Policy.BURST, json=body)

    async def post_token(self, path: str, field: str) -> JsonResponse:
        """A question about the token itself, which is sent in that field of the body as well."""
        body = {field: self._credential.token()}
        return await self._made(ReadRetryPolicy(), "POST", path, Policy.BURST, json=body)

    async def _made(
        self, retry_policy: ReadRetryPolicy | WriteRetryPolicy, method: str, path: str, policy: Policy, **content: Any
    ) -> JsonResponse:
        async for attempt in stamina.retry_context(on=retry_policy, attempts=ATTEMPTS, wait_initial=0.2):
            with attempt:
                # Before the budget is asked: a token that is refused uses up nothing.
                self._credential.token()
                await self._budget.acquire(policy)
                return await self._logged(policy, self._http.build_request(method, path, **content))
        raise AssertionError("stamina yields at least one attempt")

    async def _logged(self, policy: Policy, request: httpx.Request) -> JsonResponse:
        # Asked again: the wait for the budget may have been long enough for another token.
        token = self._credential.token()
        request.headers["Authorization"] = f"Bearer {token}"
        try:
            answer = await self._call(request, token)
        except CrmError as error:
            count(type(error).__name__ if error.status is None else str(error.status))
            _log(request, error)
            await self._remember(policy, token, error)
            raise
        count(str(answer.status))
        return answer

    async def _remember(self, policy: Policy, token: str, error: CrmError) -> None:
        if isinstance(error, Unauthorized):
            self._credential.refuse(token, error)
        if isinstance(error, RateLimited):
            await self._budget.refused(policy, error)

    async def _call(self, request: httpx.Request, token: str) -> JsonResponse:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(request, stream=True)
                try:
                    # HubSpot may repeat what it was sent, and somebody may have pasted it into a deal.
                    body = (await _body(response)).replace(token.encode(), b"***")
                    return self._answer(response, body)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotConnected(f"No connection to HubSpot at {self.base_url.host}: {_reason(error)}") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TimedOut(f"HubSpot at {self.base_url.host} gave no complete answer in time.") from error
        except httpx.TransportError as error:
            reason = _reason(error)
            shown = reason.replace(token, "***")
            # httpx shows a piece of a head that it cannot read: neither the message nor its cause may repeat the token.
            cause = error if shown == reason else None
            raise ConnectionFailed(f"The connection to HubSpot at {self.base_url.host} failed: {shown}") from cause
        except httpx.DecodingError as error:
            raise BadResponse("HubSpot sent an answer whose compression is broken.") from error

    def _answer(self, response: httpx.Response, body: bytes) -> JsonResponse:
        status = response.status_code
        self._budget.learn(response.headers)
        if not response.is_success:
            raise error_from(status, response.headers, body)
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadResponse(f"HubSpot answered {status} with something that is not JSON.", status=status) from error
        if not isinstance(parsed, dict):
            raise BadResponse(f"HubSpot answered {status} with JSON that is not an object.", status=status)
        return JsonResponse(parsed, response.headers, status)


def _reason(error: httpx.TransportError) -> str:
    """What httpx says, as the end of a sentence: some of its messages have a full stop already, some are empty."""
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


async def _body(response: httpx.Response) -> bytes:
    """What was sent, decompressed; BadResponse as soon as it is too large."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise BadResponse(f"HubSpot sent more than {LARGEST_ANSWER_BYTES // 1024**2} MB.")
    return bytes(body)
