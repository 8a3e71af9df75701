"""One deal with what is associated with it, and the associations of many records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crm import paths, responses
from crm.history import History, Version
from crm.properties import PROPERTIES
from crm.records import CrmRecord, parse_record
from crm.scanning import chunks
from crm.transport import Transport

# HubSpot's largest batch of inputs for associations.
ASSOCIATIONS_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Associated:
    """Ids without duplicates, in HubSpot's order; `complete` is false when HubSpot has more of them."""

    ids: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class FoundDeal:
    """`associated` has an entry for each requested type, `history` one for each requested property, newest first."""

    record: CrmRecord
    associated: Mapping[str, Associated]
    history: Mapping[str, Sequence[Version]]


@dataclass(frozen=True, slots=True)
class Association:
    """An association with one record, and its types: that of a primary company has two."""

    id: str
    type_ids: frozenset[int]


async def read_deal(
    transport: Transport, identifier: str, associations: Sequence[str], history: Sequence[str], archived: bool
) -> FoundDeal:
    query = {"properties": ",".join(PROPERTIES), "archived": str(archived).lower()}
    if associations:
        query["associations"] = ",".join(associations)
    if history:
        query["propertiesWithHistory"] = ",".join(history)
    response = await transport.get(paths.record(paths.DEALS, identifier), **query)
    pages = responses.read(responses.InlineAssociations, response.body).associations
    # HubSpot writes "line items" in the response and accepts "line_items" in the request. It lists a primary company
    # twice, once for each type of association.
    found = {
        name.replace(" ", "_"): Associated(
            tuple(dict.fromkeys(entry.id for entry in page.results)), page.paging is None
        )
        for name, page in pages.items()
    }
    versions = responses.read(History, response.body).properties_with_history
    return FoundDeal(
        parse_record(response.body),
        {name: found.get(name, Associated()) for name in associations},
        {name: versions.get(name, []) for name in history},
    )


async def read_associations(
    transport: Transport, from_type: str, ids: Iterable[str], to_type: str
) -> dict[str, list[Association]]:
    found: dict[str, list[Association]] = {identifier: [] for identifier in ids}
    for chunk in chunks(list(found), ASSOCIATIONS_BATCH):
        body = {"inputs": [{"id": identifier} for identifier in chunk]}
        response = await transport.post(paths.associations(from_type, to_type), body)
        for result in responses.read(responses.AssociationResults, response.body).results:
            found[result.source.id] = [
                Association(entry.to_object_id, frozenset(kind.type_id for kind in entry.association_types))
                for entry in result.to
            ]
    return found
