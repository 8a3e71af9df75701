"""`python -m pipeline bulk start retry --status FAILED`: one operation on many deals, its progress, and its end."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from models import BulkKind, RunReason, RunStatus
from models.deal_address import LARGEST_ID
from models.deal_filter import DealFilter
from pipeline.cli.command import command, operation_context, reported, say, with_pause
from pipeline.operations.audited import OperationResult
from pipeline.operations.bulk import cancel_bulk, start_bulk
from pipeline.operations.bulk_progress import bulk_progress, refusals
from pipeline.operations.find import find_deal
from pipeline.operations.retry import RetryFrom

app = typer.Typer(help="Retry, cancel or process many deals; show the progress, and stop.")

Deals = Annotated[
    list[str] | None,
    typer.Argument(help="Deals by id or address; or choose them by a filter."),
]
Statuses = Annotated[list[RunStatus] | None, typer.Option("--status", help="May be given several times.")]
Pipeline = Annotated[str | None, typer.Option(help="HubSpot's pipeline.")]
HubspotStage = Annotated[str | None, typer.Option(help="HubSpot's stage.")]
Owner = Annotated[str | None, typer.Option(help="The owner's name or HubSpot id.")]
Reason = Annotated[RunReason | None, typer.Option(help="The reason of the latest run.")]
Before = Annotated[datetime | None, typer.Option(help="Not updated since then, UTC.")]
After = Annotated[datetime | None, typer.Option(help="Updated since then, UTC.")]
Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="The number of the bulk operation.")]
Kind = Annotated[BulkKind, typer.Argument(case_sensitive=False, help="The operation on each deal.")]
Stage = Annotated[str | None, typer.Option("--from-stage", help="Of a retry: begin at this stage.")]
Whole = Annotated[bool, typer.Option("--whole", help="Of a retry: begin at the first stage.")]

MOST_REFUSALS_SHOWN = 10


@command(app)
async def start(
    kind: Kind,
    deals: Deals = None,
    status: Statuses = None,
    pipeline: Pipeline = None,
    stage: HubspotStage = None,
    owner: Owner = None,
    reason: Reason = None,
    updated_before: Before = None,
    updated_after: After = None,
    from_stage: Stage = None,
    whole: Whole = False,
) -> OperationResult:
    """Start it for the deals that are named, or that the filter matches now; the leading scheduler processes them."""
    is_retry = kind is BulkKind.RETRY
    if (from_stage is not None or whole) and not is_retry:
        raise typer.BadParameter("--from-stage and --whole are for a retry.")
    if whole and from_stage is not None:
        raise typer.BadParameter("Choose one of --from-stage and --whole.")
    async with operation_context() as context:
        chosen = DealFilter(
            deal_ids=[await find_deal(context.database, deal) for deal in deals] if deals else None,
            statuses=status or None,
            pipeline=pipeline,
            stage=stage,
            owner=owner,
            reason=reason,
            updated_before=_utc(updated_before),
            updated_after=_utc(updated_after),
        )
        at = RetryFrom(stage=from_stage, whole=whole) if is_retry else None
        async with reported("Choosing the deals that match ..."):
            started = await start_bulk(context, kind, chosen, at)
        return started if kind is BulkKind.CANCEL else await with_pause(context, started)


@command(app)
async def show(number: Id) -> OperationResult:
    """Show its progress, and why deals were refused."""
    async with operation_context() as context:
        progress = await bulk_progress(context.database, number)
        for refusal in await refusals(context.database, number, MOST_REFUSALS_SHOWN):
            say(refusal)
        return OperationResult(progress.sentence)


@command(app)
async def stop(number: Id) -> OperationResult:
    """Leave the deals that still wait unchanged."""
    async with operation_context() as context:
        return await cancel_bulk(context, number)


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
