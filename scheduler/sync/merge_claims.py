"""Whether deals were merged as another deal claims: a deal that HubSpot's store has live was not."""

from sqlalchemy import text

from scheduler.context import JobContext
from scheduler.sync.record_reader import DealPage

_NOT_MARKED = text("""
SELECT hubspot_deal_id FROM deals WHERE hubspot_deal_id = ANY(CAST(:ids AS text[])) AND merged_into IS NULL
""")


async def drop_false_claims(context: JobContext, page: DealPage) -> None:
    """Read the deals by id that the page would mark as merged now; those that are live lose their successor.

    Otherwise each scan would mark them, and the next list of live deals would remove the mark.
    """
    if not page.successors:
        return
    claimed = [row.hubspot_deal_id for row in await context.database.run(_NOT_MARKED, {"ids": list(page.successors)})]
    if claimed:
        for record in (await context.crm.read_deals(claimed)).records:
            page.successors.pop(str(record.get("id")), None)
