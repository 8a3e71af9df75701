"""`python -m crm check`: whether the token, the account and its remaining calls are sufficient."""

from collections.abc import Awaitable, Callable

from crm import paths
from crm.account import UTC_INSTEAD, zone_named
from crm.budget.limits import DAILY_RESERVE
from crm.budget.local import LocalBudget
from crm.client import HubSpot
from crm.errors import (
    ConnectionFailed,
    CrmError,
    DailyLimitReached,
    FirewallRefused,
    MissingScopes,
    RecordNotFound,
    RequestRefused,
    TimedOut,
    Unauthorized,
)
from crm.properties import PROPERTIES
from crm.report import Report
from crm.scopes import READING, WRITING

# Whatever the next step asks HubSpot, the answer is the same.
HOPELESS = (Unauthorized, DailyLimitReached, ConnectionFailed, TimedOut, FirewallRefused)

Step = Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]


async def check(client: HubSpot, budget: LocalBudget, report: Report) -> None:
    """Run every step, so that one run reports every problem; stop when no further call can succeed."""
    reported: set[str] = set()
    for step in STEPS:
        try:
            await step(client, budget, report)
        except CrmError as error:
            if str(error) not in reported:
                report.bad(str(error))
            if isinstance(error, HOPELESS):
                return
            reported.add(str(error))


async def _account(client: HubSpot, _: LocalBudget, report: Report) -> None:
    try:
        account = await client.account()
    except (MissingScopes, RecordNotFound, RequestRefused) as error:
        report.bad(f"{error} {UTC_INSTEAD}")
        return
    report.good(
        f"Account {account.portal_id}, time zone {account.time_zone or 'unknown'}, "
        f"currency {account.company_currency or 'unknown'}."
    )
    if problem := zone_named(account.time_zone).problem:
        report.note(problem)


async def _scopes(client: HubSpot, _: LocalBudget, report: Report) -> None:
    held = await client.token_scopes()
    if held is None:
        report.note("HubSpot does not report the scopes of this token; a call that lacks one will name it.")
        return
    for scope in READING:
        if scope.name in held:
            report.good(f"Scope {scope.name}.")
        else:
            report.bad(
                f"Scope {scope.name} is missing; it is needed {scope.reason}. Add it to the service key in HubSpot "
                "(Development, Keys, Service keys), or to the private app."
            )
    for scope in [scope for scope in WRITING if scope.name not in held]:
        report.note(f"Scope {scope.name} is missing; it is needed {scope.reason}, which is off by default.")


async def _properties(client: HubSpot, _: LocalBudget, report: Report) -> None:
    known = {definition.name for definition in await client.properties(paths.DEALS)}
    missing = [name for name in PROPERTIES if name not in known]
    if missing:
        report.bad(f"The account's deals have no property {', '.join(missing)}: the values will stay empty.")
    else:
        report.good(f"All {len(PROPERTIES)} properties that are read exist.")


async def _budget(client: HubSpot, budget: LocalBudget, report: Report) -> None:
    """From the headers of the responses so far: HubSpot's own report of usage is some minutes old."""
    report.good(f"Rate limit: Deal Queue makes at most {budget.burst.limit} calls in {budget.burst.seconds:.0f} s.")
    left, limit, resets = await _daily(client, budget)
    if limit is None:
        report.note("HubSpot does not report how many calls remain today.")
    elif left < limit * DAILY_RESERVE:
        report.bad(f"Only {left} of {limit} calls remain today{resets}: the sync stops until HubSpot resets the count.")
    else:
        report.good(f"{left} of {limit} calls remain today{resets}.")


async def _daily(client: HubSpot, budget: LocalBudget) -> tuple[int, int | None, str]:
    """Remaining calls, the limit, and the time of the reset in words."""
    usage = await client.daily_usage()
    resets = f" (until {usage.resets_at:%Y-%m-%d %H:%M} UTC)" if usage and usage.resets_at else ""
    if budget.daily is not None:
        return budget.daily.remaining, budget.daily.limit, resets
    if usage is None:
        return 0, None, resets
    return max(0, usage.usage_limit - usage.current_usage), usage.usage_limit, resets


# In the order of the report.
STEPS: tuple[Step, ...] = (_account, _scopes, _properties, _budget)
