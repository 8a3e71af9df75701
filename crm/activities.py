"""What is written to a deal: our own properties, notes and tasks; and the notes and tasks that a deal has already."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm import paths, responses
from crm.paging import Query, read_pages
from crm.properties import WRITTEN_PROPERTIES
from crm.records import CrmRecord, parse_records
from crm.scanning import raw_batch
from crm.transport import Transport

# HubSpot's largest page of a record's associations.
ASSOCIATIONS_LIMIT = 500
WRITTEN = frozenset(new.name for new in WRITTEN_PROPERTIES)


class AssociatedPage(responses.ResponseModel):
    """A page of one record's associations."""

    results: list[responses.AssociatedRecord]
    paging: responses.Paging | None = None


class Patched(responses.ResponseModel):
    """The record after the change; its id differs from the requested one when that deal was merged meanwhile."""

    id: str
    updated_at: responses.Text | None = None


async def patch_deal(transport: Transport, deal_id: str, properties: Mapping[str, str]) -> Patched:
    """ValueError for a property that is not ours."""
    if foreign := sorted(properties.keys() - WRITTEN):
        raise ValueError(f"Only our own properties of a deal are written, not {', '.join(foreign)}.")
    response = await transport.patch(paths.record(paths.DEALS, deal_id), {"properties": dict(properties)})
    return responses.read(Patched, response.body)


async def create_record(transport: Transport, object_type: str, body: dict[str, Any]) -> str:
    """The new record's id."""
    response = await transport.create(paths.records(object_type), body)
    return responses.read(responses.InlineRecord, response.body).id


async def associated_records(
    transport: Transport, object_type: str, deal_id: str, properties: Sequence[str]
) -> list[CrmRecord]:
    """All records of that type that are associated with the deal, in no particular order."""
    batch = await raw_batch(
        transport, object_type, await _ids(transport, object_type, deal_id), properties, archived=False
    )
    return parse_records(batch.records)


async def _ids(transport: Transport, object_type: str, deal_id: str) -> list[str]:
    async def read(query: Query) -> AssociatedPage:
        response = await transport.get(paths.associated(paths.DEALS, deal_id, object_type), **query)
        return responses.read(AssociatedPage, response.body)

    return list(await read_pages(read, lambda entry: entry.to_object_id, limit=ASSOCIATIONS_LIMIT, what="associations"))
