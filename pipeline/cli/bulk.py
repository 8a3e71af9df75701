"""`python -m pipeline bulk retry --status FAILED`: one thing done to many deals, and how far it is."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from models import BulkKind, RunReason, RunStatus
from models.deal_filter import Selection
from pipeline.cli.command import ask_for, say
from pipeline.operations.audited import Asking, Done
from pipeline.operations.bulk import cancel_bulk, start_bulk
from pipeline.operations.bulk_progress import bulk_progress, refusals
from pipeline.operations.find import LARGEST_ID, find_deal
from pipeline.operations.retry import From

app = typer.Typer(help="One thing done to many deals: retry, cancel, now; how far it is, and stop.")

Deals = Annotated[list[str] | None, typer.Argument(help="Deals by id or address; or choose them by a filter.")]
Statuses = Annotated[list[RunStatus] | None, typer.Option("--status", help="May be given several times.")]
Pipeline = Annotated[str | None, typer.Option(help="HubSpot's pipeline.")]
HubspotStage = Annotated[str | None, typer.Option(help="HubSpot's stage.")]
Owner = Annotated[str | None, typer.Option(help="The owner's name or HubSpot id.")]
Reason = Annotated[RunReason | None, typer.Option(help="The reason of the last run.")]
Before = Annotated[datetime | None, typer.Option(help="Not changed since then, UTC.")]
After = Annotated[datetime | None, typer.Option(help="Changed since then, UTC.")]
Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="The number of the bulk operation.")]
Kind = Annotated[BulkKind, typer.Argument(case_sensitive=False, help="What to do with each deal.")]
Stage = Annotated[str | None, typer.Option("--from-stage", help="Of a retry: begin at this stage.")]
Whole = Annotated[bool, typer.Option("--whole", help="Of a retry: begin at the first stage.")]

SHOWN_REFUSALS = 10


@app.command()
def start(
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
) -> None:
    """Do it to the deals that are named, or that the filter finds now; the leading scheduler does it."""
    is_retry = kind is BulkKind.RETRY
    if (from_stage is not None or whole) and not is_retry:
        raise typer.BadParameter("--from-stage and --whole are for a retry.")
    if whole and from_stage is not None:
        raise typer.BadParameter("Choose one of --from-stage and --whole.")

    async def work(asking: Asking) -> Done:
        selection = Selection(
            deal_ids=[await find_deal(asking.database, deal) for deal in deals] if deals else None,
            statuses=status or None,
            pipeline=pipeline,
            stage=stage,
            owner=owner,
            reason=reason,
            updated_before=_utc(updated_before),
            updated_after=_utc(updated_after),
        )
        return await start_bulk(asking, kind, selection, From(stage=from_stage, whole=whole) if is_retry else None)

    ask_for(work)


@app.command()
def show(number: Id) -> None:
    """How far it is, and which deals it was refused for."""

    async def work(asking: Asking) -> Done:
        progress = await bulk_progress(asking.database, number)
        for refusal in await refusals(asking.database, number, SHOWN_REFUSALS):
            say(refusal)
        return Done(progress.sentence)

    ask_for(work)


@app.command()
def stop(number: Id) -> None:
    """Leave the deals alone that it has not come to."""

    async def work(asking: Asking) -> Done:
        return await cancel_bulk(asking, number)

    ask_for(work)


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
