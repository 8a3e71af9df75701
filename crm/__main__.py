"""`python -m crm check` checks the account and the token; `python -m crm setup` creates write-back's properties."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
import typer
from rich.console import Console

from core.entry import configuration_errors
from core.exits import EXIT_CODES, EXIT_FAILED, command_errors
from core.settings import Settings
from crm.budget.local import LocalBudget
from crm.check import check as check_account
from crm.client import HubSpot
from crm.errors import CrmError
from crm.report import Report
from crm.setup import set_up
from crm.token import settings_token

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, epilog=EXIT_CODES)


@app.command()
def check() -> None:
    """Show the account, the token's scopes, missing properties and the remaining calls; exit with 0 if all is well."""
    _run(check_account)


@app.command()
def setup(
    yes: Annotated[bool, typer.Option("--yes", help="Create what is missing without a confirmation.")] = False,
) -> None:
    """Show the deal properties that write-back fills, and create those that are missing in the account."""

    async def work(client: HubSpot, _: LocalBudget, report: Report) -> None:
        await set_up(client, report, lambda question: yes or typer.confirm(question))

    _run(work)


def _run(work: Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]) -> None:
    """A problem in the report is EXIT_FAILED."""
    # The report describes each failure; log lines would repeat it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings, report = Settings.load(), Report(Console())
    with command_errors():
        asyncio.run(_work(settings, report, work))
    if not report.is_well:
        raise typer.Exit(EXIT_FAILED)


async def _work(
    settings: Settings, report: Report, work: Callable[[HubSpot, LocalBudget, Report], Awaitable[None]]
) -> None:
    # Not the shared budget: these are a few calls, for which its reserve has room.
    budget = LocalBudget()
    async with HubSpot(settings.hubspot_url(), settings_token(settings), budget) as client:
        try:
            await work(client, budget, report)
        except CrmError as error:
            report.bad(str(error))


if __name__ == "__main__":
    with configuration_errors():
        app()
