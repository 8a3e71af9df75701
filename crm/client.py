"""The HubSpot client of the sync, the stages and the commands; every call is made within the rate budget."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from crm import account, activities, paths, responses
from crm.account import AccountZone
from crm.associations import Associated, Association, FoundDeal, read_associations, read_deal
from crm.budget.protocol import Budget
from crm.companies import companies_by_domain
from crm.paging import Query, read_pages
from crm.properties import NOTE_PROPERTIES, PROPERTIES, TASK_PROPERTIES, NewProperty
from crm.records import CrmRecord, parse_records
from crm.scanning import (
    LIST_LIMIT,
    SEARCH_LIMIT,
    ListPage,
    RawBatch,
    SearchPage,
    count_modified,
    id_bounds,
    list_page,
    raw_batch,
    search_page,
)
from crm.token import TokenSource
from crm.transport import Transport

# The types that the methods of a client return can be imported from here as well.
__all__ = [
    "Associated",
    "Association",
    "BatchResult",
    "FoundDeal",
    "HubSpot",
    "ListPage",
    "RawBatch",
    "SearchPage",
    "TokenSource",
]

OWNERS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`missing` are the ids that HubSpot does not have, or no longer has."""

    records: list[CrmRecord]
    missing: list[str]


class HubSpot:
    """An async context manager; one per process. Every method raises CrmError."""

    def __init__(
        self,
        base_url: str,
        token: TokenSource,
        budget: Budget,
        *,
        httpx_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """ConfigurationError when the token must not be sent to that URL. The first call opens the connection.

        `token` is called for each request; the product passes crm.token.settings_token.
        """
        self._transport = Transport(base_url, token, budget, httpx_transport)

    def __repr__(self) -> str:
        return f"HubSpot({str(self._transport.base_url)!r})"

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def search_deals(self, *, modified_since: datetime, after_id: int, limit: int = SEARCH_LIMIT) -> SearchPage:
        """Live deals modified at that time or later with ids above `after_id`, by ascending id.

        The records are raw; parse_deal reads them. The matches are as old as HubSpot's index, the contents are current.
        """
        return await search_page(self._transport, modified_since, after_id, limit)

    async def count_deals(self, modified_since: datetime) -> int:
        """How many live deals were modified at that time or later, according to HubSpot's index."""
        return await count_modified(self._transport, modified_since)

    async def deal_id_bounds(self) -> tuple[int, int] | None:
        """The lowest and the highest id of a live deal, according to HubSpot's index; None when there are no deals."""
        return await id_bounds(self._transport)

    async def list_deals(
        self,
        *,
        after_id: int = 0,
        limit: int = LIST_LIMIT,
        archived: bool = False,
        properties: Sequence[str] = PROPERTIES,
    ) -> ListPage:
        """Deals as they are stored now, by ascending id, starting with `after_id` itself; 0 starts with the first deal.

        With `archived`, the recycle bin instead. BadResponse when a record is outside the range of ids of its page, or
        when the next page would not start at a higher id.
        """
        return await list_page(self._transport, after_id, limit, archived, properties)

    async def read_deals(self, ids: Iterable[str], *, history: Sequence[str] = ()) -> RawBatch:
        """The live ones of these deals, raw, in one call per hundred ids, or per fifty with `history` of properties."""
        return await raw_batch(self._transport, paths.DEALS, ids, PROPERTIES, archived=False, history=history)

    async def read_archived_deals(self, ids: Iterable[str]) -> RawBatch:
        """Those of these deals that are in the recycle bin, raw, in one call per hundred ids."""
        return await raw_batch(self._transport, paths.DEALS, ids, PROPERTIES, archived=True)

    async def get_deal(
        self,
        identifier: str,
        *,
        associations: Sequence[str] = (),
        history: Sequence[str] = (),
        archived: bool = False,
    ) -> FoundDeal:
        """RecordNotFound when there is none. The record's id differs from the requested one when the deal was merged.

        With `archived`, only deals in the recycle bin are found. Up to 100 ids of each association are included.
        """
        return await read_deal(self._transport, identifier, associations, history, archived)

    async def batch_read(self, object_type: str, ids: Iterable[str], properties: Sequence[str]) -> BatchResult:
        """One call per hundred ids, and none for no ids; the order and duplicates of ids do not matter."""
        batch = await raw_batch(self._transport, object_type, ids, properties, archived=False)
        return BatchResult(parse_records(batch.records), batch.missing)

    async def companies_by_domain(self, domains: Iterable[str]) -> dict[str, list[CrmRecord]]:
        """The oldest few companies with exactly these domains, for each in lower case; one search for a hundred.

        Counts against the limit of searches. RequestRefused for a single domain that HubSpot refuses; of several, only
        those that it refuses have no entry.
        """
        return await companies_by_domain(self._transport, domains)

    async def associations(self, from_type: str, ids: Iterable[str], to_type: str) -> dict[str, list[Association]]:
        """The current associations of each record, up to 500 each; an empty list for a record without any."""
        return await read_associations(self._transport, from_type, ids, to_type)

    async def patch_deal(self, identifier: str, properties: Mapping[str, str]) -> activities.Patched:
        """Sets our own properties; ValueError for any other property."""
        return await activities.patch_deal(self._transport, identifier, properties)

    async def create_note(self, body: dict[str, Any]) -> str:
        """The new note's id. Never sent twice: after an unknown outcome, look for it in `notes_of_deal`."""
        return await activities.create_record(self._transport, paths.NOTES, body)

    async def create_task(self, body: dict[str, Any]) -> str:
        """As `create_note`; look for it in `tasks_of_deal`."""
        return await activities.create_record(self._transport, paths.TASKS, body)

    async def notes_of_deal(self, identifier: str) -> list[CrmRecord]:
        return await activities.associated_records(self._transport, paths.NOTES, identifier, NOTE_PROPERTIES)

    async def tasks_of_deal(self, identifier: str) -> list[CrmRecord]:
        return await activities.associated_records(self._transport, paths.TASKS, identifier, TASK_PROPERTIES)

    async def owners(self) -> list[responses.Owner]:
        """The active owners, then the deactivated ones."""
        return [*await self._owners(archived=False), *await self._owners(archived=True)]

    async def _owners(self, *, archived: bool) -> list[responses.Owner]:
        async def read(query: Query) -> responses.Owners:
            response = await self._transport.get(paths.OWNERS, archived=str(archived).lower(), **query)
            return responses.read(responses.Owners, response.body)

        found = await read_pages(read, lambda owner: owner.id, limit=OWNERS_LIMIT, what="owners")
        return [owner.model_copy(update={"archived": archived}) for owner in found.values()]

    async def pipelines(self) -> list[responses.DealPipeline]:
        response = await self._transport.get(paths.DEAL_PIPELINES)
        return responses.read(responses.DealPipelines, response.body).results

    async def properties(self, object_type: str) -> list[responses.PropertyDefinition]:
        response = await self._transport.get(paths.properties(object_type))
        return responses.read(responses.PropertyDefinitions, response.body).results

    async def create_property(self, object_type: str, new: NewProperty) -> responses.PropertyDefinition:
        """RequestRefused when a property of that name exists. Never sent twice."""
        response = await self._transport.create(paths.properties(object_type), new.body())
        return responses.read(responses.PropertyDefinition, response.body)

    async def property_validations(self, object_type: str) -> list[responses.PropertyRules]:
        """The validation rules that the account's admins have set, by property."""
        response = await self._transport.get(paths.property_validations(object_type))
        return responses.read(responses.ValidationRules, response.body).results

    async def account(self) -> responses.AccountDetails:
        response = await self._transport.get(paths.ACCOUNT)
        return responses.read(responses.AccountDetails, response.body)

    async def account_zone(self) -> AccountZone:
        """The account's time zone, UTC when HubSpot does not report one that is known."""
        return await account.account_zone(self._transport)

    async def daily_usage(self) -> responses.DailyUsage | None:
        """The account's daily calls, as of some minutes ago; None when HubSpot does not report them."""
        return await account.daily_usage(self._transport)

    async def token_scopes(self) -> frozenset[str] | None:
        """What the token may do; None when HubSpot does not report it."""
        return await account.token_scopes(self._transport)
