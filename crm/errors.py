"""Every error of the HubSpot edge.

DealQueueError
 +- CrmError
     +- TransientCrmError   may pass by itself: try again later
     |   +- RateLimited       429: too many requests
     |   |   +- DailyLimitReached  no more today
     |   +- Locked            423: HubSpot is working on the record
     |   +- ServerError       5xx, 408 and 477: HubSpot has a bad moment
     |   +- TimedOut          no answer in time
     |   +- ConnectionFailed  no connection, or it was cut
     |   |   +- NotConnected       no connection: nothing was sent
     |   +- BudgetUnavailable our own count of calls cannot be read: none is made
     |   +- BadResponse         an answer that is not what HubSpot documents: HTML, cut JSON, a wrong shape
     +- Unauthorized        401: the token is not accepted
     +- MissingScopes       403: the token may not do this
     +- RecordNotFound            404: there is no such record
     +- RequestRefused             every other 4xx: HubSpot's reason is in the message
     +- RecordError         one record cannot be read; those beside it can
"""

from datetime import datetime

from core.errors import DealQueueError


class CrmError(DealQueueError):
    """HubSpot did not do what was asked. The message is a sentence for people and holds no secret."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`category` and `correlation_id` are HubSpot's own; `retry_after` is in seconds, when HubSpot says it."""
        super().__init__(message)
        self.status = status
        self.category = category
        self.correlation_id = correlation_id
        self.retry_after = retry_after


class TransientCrmError(CrmError):
    """The same request may succeed later."""


class RateLimited(TransientCrmError):
    """HubSpot's limit is reached; `category` names the policy, where HubSpot does."""

    @property
    def is_burst(self) -> bool:
        """The limit of ten seconds, not that of searches; some of HubSpot's answers name it in their message only."""
        return "TEN_SECONDLY" in f"{self.category} {self}".upper()


class DailyLimitReached(RateLimited):
    """The account's calls of today are used up, or nearly; `resets_at` is HubSpot's next midnight, where known."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
        resets_at: datetime | None = None,
    ) -> None:
        super().__init__(
            message, status=status, category=category, correlation_id=correlation_id, retry_after=retry_after
        )
        self.resets_at = resets_at


class Locked(TransientCrmError):
    """HubSpot is working on the record; two seconds later it may be free."""


class ServerError(TransientCrmError):
    """HubSpot, or what stands before it, failed."""


class TimedOut(TransientCrmError):
    """HubSpot gave no complete answer in time."""


class ConnectionFailed(TransientCrmError):
    """HubSpot could not be reached, or the connection was cut."""


class NotConnected(ConnectionFailed):
    """HubSpot could not be reached: it has not heard of the call."""


class BudgetUnavailable(TransientCrmError):
    """How many calls were made lately cannot be read, so that none may be made now."""


class BadResponse(TransientCrmError):
    """What came is not what HubSpot documents."""


class Unauthorized(CrmError):
    """HubSpot does not accept the token."""


class MissingScopes(CrmError):
    """The token is accepted, but may not do this; `scopes` are what it lacks, where HubSpot says so."""

    def __init__(
        self,
        message: str,
        *,
        scopes: tuple[str, ...] = (),
        category: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, status=403, category=category, correlation_id=correlation_id)
        self.scopes = scopes


class RecordNotFound(CrmError):
    """HubSpot has no such record, or no such address."""


class RequestRefused(CrmError):
    """HubSpot understood the request and says no."""


class RecordError(CrmError):
    """One record cannot be read; the message names the record, the property and what is wrong with it."""
