"""What the leading scheduler alone can do, as it needs HubSpot: it is asked by a row, and looks every two seconds."""

from functools import partial
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.runs.controls import ask

Request = Literal["sync", "reconcile", "backfill"]

_ASKED = {
    "sync": "A sync was asked for.",
    "reconcile": "It was asked that all deals be compared with HubSpot's.",
    "backfill": "It was asked that all deals be read once more.",
}


async def request(asking: Asking, what: Request) -> Done:
    """Never refused: what is asked for twice before it has begun is done once."""
    return await audited(asking, Action(what, "sync", {}), partial(_request_in, asking=asking, what=what))


async def _request_in(session: AsyncSession, *, asking: Asking, what: Request) -> Done:
    await ask(session, what, asking.actor)
    return Done(f"{_ASKED[what]} The leading scheduler does it.")
