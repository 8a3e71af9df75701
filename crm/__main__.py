"""`python -m crm check` looks at the account and the token; `python -m crm setup` adds the properties of write-back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
import typer
from rich.console import Console

from core.entry import configuration_errors
from core.settings import Settings
from crm.budget.local import LocalBudget
from crm.check import check as check_account
from crm.client import HubSpot
from crm.errors import CrmError
from crm.report import Report
from crm.setup import set_up
from crm.token import settings_token

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.command()
def check() -> None:
    """Show the account, the token's scopes, missing properties and the calls that are left; 0 if all is well."""
    _work(check_account)


@app.command()
def setup(
    yes: Annotated[bool, typer.Option("--yes", help="Create what is missing without asking.")] = False,
) -> None:
    """Show the deal properties that write-back fills, and create those that the account lacks."""

    async def work(client: HubSpot, _: LocalBudget, report: Report) -> None:
        await set_up(client, report, lambda question: yes or typer.confirm(question))

    _work(work)


def _work(work: Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]) -> None:
    """Exit code 1 when something is not well, with a line for each such thing."""
    # What fails is told in the report; the log's lines would tell it twice.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings, report = Settings.load(), Report(Console())
    asyncio.run(_called(settings, report, work))
    if not report.is_well:
        raise typer.Exit(1)


async def _called(
    settings: Settings, report: Report, work: Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]
) -> None:
    # Of this process alone, unknown to the shared one: a few calls, for which the reserve of the others has room.
    budget = LocalBudget()
    async with HubSpot(settings.hubspot_url(), settings_token(settings), budget) as client:
        try:
            await work(client, budget, report)
        except CrmError as error:
            report.bad(str(error))


if __name__ == "__main__":
    with configuration_errors():
        app()
