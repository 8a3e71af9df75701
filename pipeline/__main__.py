"""`python -m pipeline`: a worker; any number, on any number of hosts. And what people decide about held deals."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import typer
from rich.console import Console
from rich.progress import Progress

from core.database import Database
from core.entry import run_process
from core.errors import ConfigurationError
from core.settings import Settings
from pipeline.runs.held import approve_held, count_held, drop_held
from pipeline.worker import run_worker

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def work(context: typer.Context) -> None:
    """Without a command: a worker, until it is told to stop."""
    if context.invoked_subcommand is None:
        raise typer.Exit(run_process("worker", run_worker))


@app.command()
def approve() -> None:
    """Process the deals that are held because too many came at once."""
    _decide(approve_held, "approved")


@app.command()
def drop() -> None:
    """Cancel the runs of the deals that are held; the deals stay in the queue as cancelled."""
    _decide(drop_held, "dropped")


def _decide(decide: Callable[[Database], Awaitable[int]], word: str) -> None:
    try:
        asyncio.run(_decided(Settings.load(), decide, word))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None


async def _decided(settings: Settings, decide: Callable[[Database], Awaitable[int]], word: str) -> None:
    database, console, total = Database.connect(settings.database(), name="held", pool_size=1), Console(), 0
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(word, total=await count_held(database))
            while done := await decide(database):
                total += done
                progress.update(bar, completed=total)
        console.print(f"{total} held {'run' if total == 1 else 'runs'} {word}." if total else "No run is held.")
    finally:
        await database.close()


if __name__ == "__main__":
    app()
