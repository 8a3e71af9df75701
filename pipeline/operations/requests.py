"""Requests to the leading scheduler, which alone reads HubSpot: rows of `controls` that it checks every two seconds."""

from typing import Literal

from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.runs.controls import request_control

Request = Literal["sync", "reconcile", "backfill"]

_REQUESTED = {
    "sync": "A sync is requested.",
    "reconcile": "A comparison of all deals with HubSpot is requested.",
    "backfill": "Another reading of all deals is requested.",
}


async def request(context: OperationContext, what: Request) -> OperationResult:
    """Never refused: two requests before the scheduler begins are served by one pass."""
    async with audited(context, Action(what, "sync")) as operation:
        await request_control(operation.session, what, context.actor)
        return operation.done(f"{_REQUESTED[what]} The leading scheduler runs it.")
