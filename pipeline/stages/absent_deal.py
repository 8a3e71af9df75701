"""Why a deal cannot be read under its own id: it was archived, merged into another deal, or deleted."""

from crm.client import HubSpot
from crm.errors import RecordNotFound
from models import RunReason
from pipeline.stages.stage import SkipRun


async def absence(crm: HubSpot, identifier: str) -> SkipRun:
    """The reason for a deal that HubSpot did not find among the live ones."""
    try:
        await crm.get_deal(identifier, archived=True)
    except RecordNotFound:
        return SkipRun(
            RunReason.NOT_FOUND, f"HubSpot has no deal {identifier} (any more), not even in its recycle bin."
        )
    return archived()


def merged(into: str) -> SkipRun:
    return SkipRun(RunReason.MERGED, f"In HubSpot this deal was merged into deal {into}.")


def archived() -> SkipRun:
    return SkipRun(RunReason.ARCHIVED, "The deal is in HubSpot's recycle bin.")
