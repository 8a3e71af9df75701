"""The frame of every command: the person who runs it, the sentence that it prints, and its exit code."""

import asyncio
import functools
import getpass
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ParamSpec

import structlog
import typer
from rich.console import Console

from core.database import Database
from core.errors import DatabaseNotReady, DatabaseUnavailable, sentence_of
from core.settings import Settings
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import OperationRefused
from pipeline.stages import STAGE_NAMES

console = Console()

REFUSED, UNAVAILABLE = 1, 2
# Work that takes longer reports that it goes on.
REPORT_SECONDS = 3.0

P = ParamSpec("P")
Work = Coroutine[Any, Any, OperationResult | None]


def command(app: typer.Typer) -> Callable[[Callable[P, Work]], Callable[P, Work]]:
    """Make the coroutine function a command of `app`; its signature is what a person types, its docstring the help."""

    def register(work: Callable[P, Work]) -> Callable[P, Work]:
        @functools.wraps(work)
        def run(*args: P.args, **options: P.kwargs) -> None:
            _run(work(*args, **options))

        app.command()(run)
        return work

    return register


def _run(work: Work) -> None:
    """Exit code 0; 1 when the operation was refused; 2 when the database is unavailable, as for a wrong setting."""
    # The log events would repeat the sentence.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        result = asyncio.run(work)
    except OperationRefused as refused:
        say(str(refused))
        raise typer.Exit(REFUSED) from None
    except (DatabaseUnavailable, DatabaseNotReady) as error:
        sys.stderr.write(f"The database is unavailable: {sentence_of(error)}\n")
        raise typer.Exit(UNAVAILABLE) from None
    if result is not None:
        say(result.sentence)


def say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


@asynccontextmanager
async def reported(work: str) -> AsyncIterator[None]:
    """Inside the block, say every few seconds on standard error that the work goes on, and for how long it has."""

    async def report() -> None:
        seconds = 0.0
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            seconds += REPORT_SECONDS
            sys.stderr.write(f"{work} ({seconds:.0f} s)\n")
            sys.stderr.flush()

    reporting = asyncio.create_task(report())
    try:
        yield
    finally:
        reporting.cancel()


@asynccontextmanager
async def operation_context() -> AsyncIterator[OperationContext]:
    """The context of an operation by the person who runs the command."""
    database = Database.connect(Settings.load().database(), name="command", pool_size=2)
    try:
        yield OperationContext(database=database, actor=f"cli:{getpass.getuser()}", stages=STAGE_NAMES)
    finally:
        await database.close()
