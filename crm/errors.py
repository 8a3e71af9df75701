"""Every error of the HubSpot edge.

DealQueueError
 +- CrmError
     +- TransientCrmError    the same request may succeed later
     |   +- RateLimited        429: too many requests
     |   |   +- DailyLimitReached  no more calls today
     |   +- Locked             423: HubSpot is processing the record
     |   +- ServerError        5xx, 408 and 477: HubSpot failed
     |   +- TimedOut           no complete response in time
     |   +- ConnectionFailed   no connection, or it was closed early
     |   |   +- NotConnected       no connection: nothing was sent
     |   +- BudgetUnavailable  the rate budget cannot be read: no call is made
     |   +- BadResponse        a response that HubSpot does not document: HTML, incomplete JSON, a wrong structure
     +- Unauthorized         401: the token is not accepted
     +- AccessDenied         403: HubSpot does not permit this; only a person can change that
     |   +- MissingScopes       the token lacks scopes
     |   +- FirewallRefused     a firewall or proxy answered, with HTML
     +- RecordNotFound       404: there is no such record
     +- RequestRefused       every other 4xx: HubSpot's reason is in the message
     +- RecordError          one record of a page cannot be read; the others can
"""

from core.errors import DealQueueError


class CrmError(DealQueueError):
    """A request to HubSpot failed. The message is a sentence for people and contains no secret."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`category` and `correlation_id` are HubSpot's own; `retry_after` is in seconds, None without Retry-After."""
        super().__init__(message)
        self.status = status
        self.category = category
        self.correlation_id = correlation_id
        self.retry_after = retry_after


class TransientCrmError(CrmError):
    """The same request may succeed later."""


class RateLimited(TransientCrmError):
    """A rate limit of HubSpot's is reached; `category` is its policy name, where HubSpot reports it."""

    @property
    def is_burst(self) -> bool:
        """The limit of ten seconds, not that of searches; some of HubSpot's responses name it in the message only."""
        return "TEN_SECONDLY" in f"{self.category} {self}".upper()


class DailyLimitReached(RateLimited):
    """The account's daily calls are used up, or nearly."""


class Locked(TransientCrmError):
    """HubSpot is processing the record; it may be unlocked two seconds later."""


class ServerError(TransientCrmError):
    """HubSpot failed, or a proxy in front of it did."""


class TimedOut(TransientCrmError):
    """HubSpot sent no complete response in time."""


class ConnectionFailed(TransientCrmError):
    """HubSpot could not be reached, or the connection was closed early."""


class NotConnected(ConnectionFailed):
    """HubSpot could not be reached, so it has not received the request."""


class BudgetUnavailable(TransientCrmError):
    """The rate budget cannot be read, so no call may be made now."""


class BadResponse(TransientCrmError):
    """The response is not one that HubSpot documents."""


class Unauthorized(CrmError):
    """HubSpot does not accept the token. `wanted` as in AccessDenied."""

    wanted = "a HubSpot token that is valid"


class AccessDenied(CrmError):
    """The token is accepted, but HubSpot does not permit the request, whatever the deal is.

    `wanted` is what a person must grant; it ends the sentence "It waits for ..." and is the same for every request that
    is refused for the same reason.
    """

    wanted = "HubSpot's permission"

    def __init__(self, message: str, *, category: str | None = None, correlation_id: str | None = None) -> None:
        super().__init__(message, status=403, category=category, correlation_id=correlation_id)


class FirewallRefused(AccessDenied):
    """A firewall in front of HubSpot, or a proxy on the way to it, refuses the request."""

    wanted = "HubSpot's firewall to admit this server"


class MissingScopes(AccessDenied):
    """The token lacks scopes; `scopes` are the missing ones, where HubSpot names them."""

    def __init__(
        self,
        message: str,
        *,
        scopes: tuple[str, ...] = (),
        category: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, category=category, correlation_id=correlation_id)
        self.scopes = scopes
        if scopes:
            self.wanted = f"the scope{'s' if len(scopes) > 1 else ''} {', '.join(sorted(scopes))}"


class RecordNotFound(CrmError):
    """HubSpot has no such record, or no such path."""


class RequestRefused(CrmError):
    """HubSpot understood the request and refused it."""


class RecordError(CrmError):
    """One record cannot be read; the message names the record, the property and the reason."""
