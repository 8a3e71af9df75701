"""Commands on one deal and on the whole queue: `python -m pipeline retry`, `cancel`, `pause`, ..."""

from typing import Annotated

import typer
from rich.progress import Progress

from models.deal_address import LARGEST_ID
from pipeline.cli.command import command, console, operation_context, with_pause
from pipeline.operations.audited import OperationResult
from pipeline.operations.cancel import cancel as cancel_deal
from pipeline.operations.cancel import undo_cancel
from pipeline.operations.find import deal_of_run, find_deal
from pipeline.operations.held import Decision, decide_held
from pipeline.operations.pause import pause as pause_queue
from pipeline.operations.pause import resume as resume_queue
from pipeline.operations.process_now import process_now
from pipeline.operations.requests import Request, request
from pipeline.operations.retry import RetryFrom
from pipeline.operations.retry import retry as retry_deal
from pipeline.runs.store import RunStore

app = typer.Typer()

_DEAL = (
    "Its id here or in HubSpot, or the address of its page in HubSpot. "
    "Write deal:ID or hubspot:ID when the number is the id of two deals."
)
Deal = Annotated[str, typer.Argument(help=_DEAL)]
DealOrNone = Annotated[str | None, typer.Argument(help=f"{_DEAL} Optional with --run.")]
Stage = Annotated[
    str | None, typer.Option("--from-stage", help="Begin at this stage; those before it must have finished.")
]
Whole = Annotated[bool, typer.Option("--whole", help="Begin at the first stage.")]
Run = Annotated[
    int | None,
    typer.Option("--run", min=1, max=LARGEST_ID, help="Carry over the outputs of this run."),
]
What = Annotated[Request, typer.Argument(help="What to request.")]


@command(app)
async def retry(deal: DealOrNone = None, stage: Stage = None, whole: Whole = False, run: Run = None) -> OperationResult:
    """Process a deal again, from the stage where its last run ended."""
    if deal is None and run is None:
        raise typer.BadParameter("Name a deal or, with --run, one of its runs.")
    if whole and stage is not None:
        raise typer.BadParameter("Choose one of --from-stage and --whole.")
    async with operation_context() as context:
        database = context.database
        deal_id = await (deal_of_run(database, run or 0) if deal is None else find_deal(database, deal))
        at = RetryFrom(stage=stage, whole=whole, run_id=run)
        return await with_pause(context, await retry_deal(context, deal_id, at))


@command(app)
async def cancel(deal: Deal) -> OperationResult:
    """Cancel a deal's run: a waiting one at once, a running one at its worker's next check."""
    async with operation_context() as context:
        return await cancel_deal(context, await find_deal(context.database, deal))


@command(app)
async def undo(deal: Deal) -> OperationResult:
    """Undo a cancel of the last ten seconds."""
    async with operation_context() as context:
        return await with_pause(context, await undo_cancel(context, await find_deal(context.database, deal)))


@command(app)
async def now(deal: Deal) -> OperationResult:
    """Process a deal before all others."""
    async with operation_context() as context:
        return await with_pause(context, await process_now(context, await find_deal(context.database, deal)))


@command(app)
async def pause() -> OperationResult:
    """Pause the queue: running stages end, no other stage begins."""
    async with operation_context() as context:
        return await pause_queue(context)


@command(app)
async def resume() -> OperationResult:
    """Resume the queue."""
    async with operation_context() as context:
        return await resume_queue(context)


@command(app)
async def ask(what: What) -> OperationResult:
    """Request a sync from the leading scheduler, and do not wait for it."""
    async with operation_context() as context:
        return await request(context, what)


@command(app)
async def approve() -> OperationResult:
    """Process the deals that are held because too many came at once."""
    return await _decide("approve")


@command(app)
async def drop() -> OperationResult:
    """Cancel the runs of the deals that are held; the deals stay in the queue as cancelled."""
    return await _decide("drop")


async def _decide(decision: Decision) -> OperationResult:
    async with operation_context() as context:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task(decision, total=await RunStore.count_held(context.database))

            async def show(decided: int) -> None:
                progress.update(bar, completed=decided)

            result = await decide_held(context, decision, show)
        return await with_pause(context, result) if decision == "approve" else result
