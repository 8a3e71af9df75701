"""Finds the deal that an operation is about; it is never guessed."""

from sqlalchemy import text

from core.database import Database
from models.deal_address import FIND_DEALS, AmbiguousDealAddress, DealAddress, InvalidDealAddress
from pipeline.operations.errors import AmbiguousDeal, NotFound

_DEAL_OF_RUN = text("SELECT deal_id FROM pipeline_runs WHERE id = :run_id")


async def find_deal(database: Database, given: str) -> int:
    """The id of the deal with this address (models/deal_address.py); NotFound, AmbiguousDeal."""
    try:
        address = DealAddress.parse(given)
        deal = address.only(await database.run(FIND_DEALS, address.parameters()))
    except InvalidDealAddress as error:
        raise NotFound(str(error)) from error
    except AmbiguousDealAddress as error:
        raise AmbiguousDeal(str(error)) from error
    if deal is not None:
        return int(deal.id)
    if address.hubspot_deal_id is None:
        raise NotFound(f"There is no deal {address.own_id}.")
    where = " in HubSpot" if address.own_id is None else ", here or in HubSpot"
    raise NotFound(f"No deal has the id {address.hubspot_deal_id}{where}. The sync may not have seen it yet.")


async def deal_of_run(database: Database, run_id: int) -> int:
    """The id of the deal that the run belongs to; NotFound."""
    rows = await database.run(_DEAL_OF_RUN, {"run_id": run_id})
    if not rows:
        raise NotFound(f"There is no run {run_id}.")
    return int(rows[0].deal_id)
