"""The frame of every command: the person who runs it, the sentence that it prints, and its exit code."""

import asyncio
import functools
import getpass
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ParamSpec

import structlog
import typer
from rich.console import Console

from core.database import Database, check_not_earlier
from core.exits import EXIT_FAILED, command_errors
from core.settings import Settings
from migrations.head import EARLIER_REVISIONS
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import OperationRefused
from pipeline.runs.controls import is_paused
from pipeline.stages import STAGE_NAMES

console = Console()

# Work that takes longer reports that it goes on.
REPORT_SECONDS = 3.0
PAUSED = "The queue is paused: nothing is processed until `python -m pipeline resume`."

P = ParamSpec("P")
Work = Coroutine[Any, Any, OperationResult | None]


def command(app: typer.Typer) -> Callable[[Callable[P, Work]], Callable[P, Work]]:
    """Make the coroutine function a command of `app`; its signature is what a person types, its docstring the help."""

    def register(work: Callable[P, Work]) -> Callable[P, Work]:
        @functools.wraps(work)
        def run(*args: P.args, **options: P.kwargs) -> None:
            _run(functools.partial(work, *args, **options))

        app.command()(run)
        return work

    return register


def _run(work: Callable[[], Work]) -> None:
    """Print the sentence; a refusal is EXIT_FAILED."""
    # The log events would repeat the sentence.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with command_errors():
            result = asyncio.run(work())
    except OperationRefused as refused:
        say(str(refused))
        raise typer.Exit(EXIT_FAILED) from None
    if result is not None:
        say(result.sentence)


def say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


async def with_pause(context: OperationContext, result: OperationResult) -> OperationResult:
    """The result of an operation that has queued runs; while the queue is paused, a sentence says that they wait."""
    if await is_paused(context.database):
        return replace(result, sentence=f"{result.sentence}\n{PAUSED}")
    return result


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
        await check_not_earlier(database, EARLIER_REVISIONS)
        yield OperationContext(database=database, actor=f"cli:{_person()}", stages=STAGE_NAMES)
    finally:
        await database.close()


def _person() -> str:
    """The user's name; in a container, a user may have only a number. A variable such as USER may hold any bytes."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return name.encode(errors="replace").decode()
