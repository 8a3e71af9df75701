"""`python -m crm check`: whether the token, the account and what is left of its calls will do."""

from collections.abc import Awaitable, Callable

from crm import paths
from crm.budget.limits import DAILY_RESERVE
from crm.budget.local import LocalBudget
from crm.client import HubSpot
from crm.errors import CrmError, Unauthorized
from crm.properties import PROPERTIES
from crm.report import Report
from crm.scopes import READING, WRITING, Scope

Step = Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]


async def check(client: HubSpot, budget: LocalBudget, report: Report) -> None:
    """Each part by itself, so that all that is wrong is seen at once; a token that is refused says it once."""
    for step in STEPS:
        try:
            await step(client, budget, report)
        except Unauthorized as error:
            report.bad(str(error))
            return
        except CrmError as error:
            report.bad(str(error))


async def _account(client: HubSpot, _: LocalBudget, report: Report) -> None:
    account = await client.account()
    report.good(
        f"Account {account.portal_id}, time zone {account.time_zone or 'unknown'}, "
        f"currency {account.company_currency or 'unknown'}."
    )


async def _scopes(client: HubSpot, _: LocalBudget, report: Report) -> None:
    held = await client.token_scopes()
    if held is None:
        report.note("HubSpot does not say which scopes this token has; a call that lacks one will name it.")
        return
    for scope in READING:
        _scope(scope, scope.name in held, report)
    missing = [scope for scope in WRITING if scope.name not in held]
    for scope in missing:
        report.note(f"Scope {scope.name} is not there; it is needed {scope.reason}, which is off by default.")


def _scope(scope: Scope, is_held: bool, report: Report) -> None:
    if is_held:
        report.good(f"Scope {scope.name}.")
    else:
        report.bad(
            f"Scope {scope.name} is missing; it is needed {scope.reason}. Add it to the service key in HubSpot "
            "(Development, Keys, Service keys), or to the private app."
        )


async def _properties(client: HubSpot, _: LocalBudget, report: Report) -> None:
    known = {definition.name for definition in await client.properties(paths.DEALS)}
    missing = [name for name in PROPERTIES if name not in known]
    if missing:
        report.bad(f"The account's deals lack {', '.join(missing)}: those will stay empty.")
    else:
        report.good(f"All {len(PROPERTIES)} properties that are read exist.")


async def _budget(client: HubSpot, budget: LocalBudget, report: Report) -> None:
    """From the headers of the answers so far: HubSpot's own report of usage is some minutes old."""
    report.good(f"Calls: {budget.burst.limit} in any {budget.burst.seconds:.0f} s are ours.")
    left, limit, resets = await _daily(client, budget)
    if limit is None:
        report.note("HubSpot does not say how many calls are left today.")
    elif left < limit * DAILY_RESERVE:
        report.bad(f"Only {left} of {limit} calls are left today{resets}: the sync stops until HubSpot counts anew.")
    else:
        report.good(f"{left} of {limit} calls are left today{resets}.")


async def _daily(client: HubSpot, budget: LocalBudget) -> tuple[int, int | None, str]:
    """Left, limit and the time of the reset in words."""
    usage = await client.daily_usage()
    resets = f" (until {usage.resets_at:%Y-%m-%d %H:%M} UTC)" if usage and usage.resets_at else ""
    if budget.daily is not None:
        return budget.daily.remaining, budget.daily.limit, resets
    if usage is None:
        return 0, None, resets
    return max(0, usage.usage_limit - usage.current_usage), usage.usage_limit, resets


# In the order in which they are told.
STEPS: tuple[Step, ...] = (_account, _scopes, _properties, _budget)
