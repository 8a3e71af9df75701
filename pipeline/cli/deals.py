"""What people ask of one deal or of the whole queue: `python -m pipeline retry`, `cancel`, `pause`, ..."""

from typing import Annotated

import typer
from rich.progress import Progress

from pipeline.cli.command import ask_for, console
from pipeline.operations import held
from pipeline.operations.audited import Asking, Done
from pipeline.operations.cancel import cancel as cancel_deal
from pipeline.operations.cancel import undo_cancel
from pipeline.operations.find import LARGEST_ID, deal_of_run, find_deal
from pipeline.operations.pause import pause as pause_queue
from pipeline.operations.pause import resume as resume_queue
from pipeline.operations.process_now import process_now
from pipeline.operations.requests import Request, request
from pipeline.operations.retry import From
from pipeline.operations.retry import retry as retry_deal
from pipeline.runs.held import count_held

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Deal = Annotated[str, typer.Argument(help="Our id of the deal, HubSpot's, or the address of its page in HubSpot.")]
Stage = Annotated[
    str | None, typer.Option("--from-stage", help="Begin at this stage; those before it must have finished.")
]
Whole = Annotated[bool, typer.Option("--whole", help="Begin at the first stage.")]
Run = Annotated[
    int | None,
    typer.Option("--run", min=1, max=LARGEST_ID, help="Take up the outputs of this run; the deal need not be named."),
]
What = Annotated[Request, typer.Argument(help="What to do.")]


@app.command()
def retry(
    deal: Annotated[str | None, typer.Argument(help="As for the other commands.")] = None,
    stage: Stage = None,
    whole: Whole = False,
    run: Run = None,
) -> None:
    """Process a deal again, from the stage where its last run ended."""
    if deal is None and run is None:
        raise typer.BadParameter("Name a deal or, with --run, one of its runs.")
    if whole and stage is not None:
        raise typer.BadParameter("Choose one of --from-stage and --whole.")

    async def work(asking: Asking) -> Done:
        found = await (deal_of_run(asking.database, run or 0) if deal is None else find_deal(asking.database, deal))
        return await retry_deal(asking, found, From(stage=stage, whole=whole, run_id=run))

    ask_for(work)


@app.command()
def cancel(deal: Deal) -> None:
    """Cancel a deal's run: at once while it waits, at its next stop while a worker is at it."""

    async def work(asking: Asking) -> Done:
        return await cancel_deal(asking, await find_deal(asking.database, deal))

    ask_for(work)


@app.command()
def undo(deal: Deal) -> None:
    """Take back a cancel of the last ten seconds."""

    async def work(asking: Asking) -> Done:
        return await undo_cancel(asking, await find_deal(asking.database, deal))

    ask_for(work)


@app.command()
def now(deal: Deal) -> None:
    """Process a deal before all others."""

    async def work(asking: Asking) -> Done:
        return await process_now(asking, await find_deal(asking.database, deal))

    ask_for(work)


@app.command()
def pause() -> None:
    """Begin nothing more; stages that run end."""
    ask_for(pause_queue)


@app.command()
def resume() -> None:
    """Let the queue go on."""
    ask_for(resume_queue)


@app.command()
def ask(what: What) -> None:
    """Ask the leading scheduler for a sync, and do not wait for it."""

    async def work(asking: Asking) -> Done:
        return await request(asking, what)

    ask_for(work)


@app.command()
def approve() -> None:
    """Process the deals that are held because too many came at once."""
    _decide("approve")


@app.command()
def drop() -> None:
    """Cancel the runs of the deals that are held; the deals stay in the queue as cancelled."""
    _decide("drop")


def _decide(word: str) -> None:
    async def work(asking: Asking) -> Done:
        decide = held.approve if word == "approve" else held.drop
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(word, total=await count_held(asking.database))
            return await decide(asking, lambda done: progress.update(bar, completed=done))

    ask_for(work)
