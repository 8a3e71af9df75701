"""What every command that a person types has in common: who asks, what is said, and the exit code."""

import asyncio
import getpass
import logging
import sys
from collections.abc import Awaitable, Callable

import orjson
import structlog
import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from core.database import Database
from core.settings import Settings
from pipeline.operations.asking import Asking, Done
from pipeline.operations.errors import OperationRefused
from pipeline.stages import STAGES

console = Console()

REFUSED, WRONG = 1, 2


def ask_for(work: Callable[[Asking], Awaitable[Done | None]]) -> None:
    """Do it and say so. Exit code 0; 1 when it was refused; 2 for a database that is away."""
    # The log's lines would tell a person the same for a second time.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        done = asyncio.run(_asked(work))
    except OperationRefused as refused:
        say(str(refused))
        raise typer.Exit(REFUSED) from None
    except (OSError, SQLAlchemyError) as error:
        sys.stderr.write(f"The database does not do it: {str(error).splitlines()[0]}\n")
        raise typer.Exit(WRONG) from None
    if done is not None:
        say(done.sentence)


def say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


async def _asked(work: Callable[[Asking], Awaitable[Done | None]]) -> Done | None:
    database = Database.connect(Settings.load().database(), name="command", pool_size=2)
    stages = orjson.dumps([{"key": stage.key, "label": stage.label} for stage in STAGES]).decode()
    try:
        return await work(Asking(database=database, actor=f"cli:{getpass.getuser()}", stages=stages))
    finally:
        await database.close()
