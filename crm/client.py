"""HubSpot, as far as the sync, the stages and the set-up need it; every call within the shared budget."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from crm import account, activities, answers, paths
from crm.budget.protocol import Budget, Policy
from crm.errors import BadAnswer
from crm.linked import Associated, Association, FoundDeal, associations_of, found_deal
from crm.properties import COMPANY_PROPERTIES, NOTE_PROPERTIES, PROPERTIES, TASK_PROPERTIES, NewProperty
from crm.records import CrmRecord, parse_record
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
from crm.wire import Wire

# Whoever holds a client finds here what its methods return.
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
# More companies with one domain than this are not worth telling apart.
DOMAIN_MATCHES = 5


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`missing` are the ids that HubSpot does not have (any more)."""

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """ConfigurationError when a token must not be sent to that URL. Nothing is connected before the first call.

        `token` is asked with each request: crm.token.settings_token for the product.
        """
        self._wire = Wire(base_url, token, budget, transport)

    def __repr__(self) -> str:
        return f"HubSpot({str(self._wire.base_url)!r})"

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, traceback)

    async def search_deals(self, *, modified_since: datetime, after_id: int, limit: int = SEARCH_LIMIT) -> SearchPage:
        """Deals modified at that time or later, by ascending id, from the first behind `after_id`; archived ones never.

        The records are raw; parse_deal reads them. Matches are as old as HubSpot's index, bodies are live.
        """
        return await search_page(self._wire, modified_since, after_id, limit)

    async def count_deals(self, modified_since: datetime) -> int:
        """How many live deals were modified at that time or later, as far as HubSpot's index knows."""
        return await count_modified(self._wire, modified_since)

    async def deal_id_bounds(self) -> tuple[int, int] | None:
        """The lowest and the highest id of a live deal, as far as HubSpot's index knows; None for no deals."""
        return await id_bounds(self._wire)

    async def list_deals(
        self,
        *,
        after_id: int = 0,
        limit: int = LIST_LIMIT,
        archived: bool = False,
        properties: Sequence[str] = PROPERTIES,
    ) -> ListPage:
        """Deals as they are stored, by ascending id, beginning with `after_id` itself; 0 for the very first.

        With `archived`, the recycle bin instead. BadAnswer when a record lies outside the page's own range of ids, or
        when the next page would not begin further on.
        """
        return await list_page(self._wire, after_id, limit, archived, properties)

    async def read_deals(self, ids: Iterable[str], *, history: Sequence[str] = ()) -> RawBatch:
        """The live ones of these deals, raw, in one call for each hundred; with `history` of properties, each fifty."""
        return await raw_batch(self._wire, paths.DEALS, ids, PROPERTIES, archived=False, history=history)

    async def read_archived_deals(self, ids: Iterable[str]) -> RawBatch:
        """Those of these deals that lie in the recycle bin, raw, in one call for each hundred."""
        return await raw_batch(self._wire, paths.DEALS, ids, PROPERTIES, archived=True)

    async def get_deal(
        self,
        identifier: str,
        *,
        associations: Sequence[str] = (),
        history: Sequence[str] = (),
        archived: bool = False,
    ) -> FoundDeal:
        """NotFound when there is none. The record's id is another one than was asked for when the deal was merged.

        With `archived`, only the recycle bin is looked at. Of each association up to 100 come along.
        """
        return await found_deal(self._wire, identifier, associations, history, archived)

    async def batch_read(self, object_type: str, ids: Iterable[str], properties: Sequence[str]) -> BatchResult:
        """One call for each hundred ids; ids in any order, each once; no call for none."""
        batch = await raw_batch(self._wire, object_type, ids, properties, archived=False)
        return BatchResult(list(map(parse_record, batch.records)), batch.missing)

    async def search_companies_by_domain(self, domain: str) -> list[CrmRecord]:
        """The oldest few with exactly this domain. Counts against the five searches a second."""
        body = {
            "filterGroups": [{"filters": [{"propertyName": "domain", "operator": "EQ", "value": domain.lower()}]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(COMPANY_PROPERTIES),
            "limit": DOMAIN_MATCHES,
        }
        answer = await self._wire.post(paths.search(paths.COMPANIES), body, policy=Policy.SEARCH)
        return [parse_record(raw) for raw in answers.read(answers.SearchResults, answer.body).results]

    async def associations(self, from_type: str, ids: Iterable[str], to_type: str) -> dict[str, list[Association]]:
        """What each record is associated with now, up to 500 each; an empty list for none."""
        return await associations_of(self._wire, from_type, ids, to_type)

    async def patch_deal(self, identifier: str, properties: Mapping[str, str]) -> activities.Patched:
        """Sets our own properties, to text; ValueError for any other."""
        return await activities.patched(self._wire, identifier, properties)

    async def create_note(self, body: dict[str, Any]) -> str:
        """Its id. Never sent twice: after an unknown outcome look among `notes_of_deal`."""
        return await activities.created(self._wire, paths.NOTES, body)

    async def create_task(self, body: dict[str, Any]) -> str:
        """As `create_note`; look among `tasks_of_deal`."""
        return await activities.created(self._wire, paths.TASKS, body)

    async def notes_of_deal(self, identifier: str) -> list[CrmRecord]:
        return await activities.of_deal(self._wire, paths.NOTES, identifier, NOTE_PROPERTIES)

    async def tasks_of_deal(self, identifier: str) -> list[CrmRecord]:
        return await activities.of_deal(self._wire, paths.TASKS, identifier, TASK_PROPERTIES)

    async def owners(self) -> list[answers.Owner]:
        """The active ones, then those who were deactivated."""
        return [*await self._owners(archived=False), *await self._owners(archived=True)]

    async def _owners(self, *, archived: bool) -> list[answers.Owner]:
        owners: dict[str, answers.Owner] = {}
        query: dict[str, str | int] = {"limit": OWNERS_LIMIT, "archived": str(archived).lower()}
        while True:
            page = answers.read(answers.Owners, (await self._wire.get(paths.OWNERS, **query)).body)
            fresh = {owner.id: owner.model_copy(update={"archived": archived}) for owner in page.results}
            following = page.paging.next if page.paging else None
            if following is not None and fresh.keys() <= owners.keys():
                raise BadAnswer("HubSpot sent the same page of owners again.")
            owners |= fresh
            if following is None:
                return list(owners.values())
            query["after"] = following.after

    async def pipelines(self) -> list[answers.DealPipeline]:
        answer = await self._wire.get(paths.DEAL_PIPELINES)
        return answers.read(answers.DealPipelines, answer.body).results

    async def properties(self, object_type: str) -> list[answers.PropertyDefinition]:
        answer = await self._wire.get(paths.properties(object_type))
        return answers.read(answers.PropertyDefinitions, answer.body).results

    async def create_property(self, object_type: str, new: NewProperty) -> answers.PropertyDefinition:
        """Refused when there is one of that name. Never sent twice."""
        answer = await self._wire.create(paths.properties(object_type), new.body())
        return answers.read(answers.PropertyDefinition, answer.body)

    async def property_validations(self, object_type: str) -> list[answers.PropertyRules]:
        """The rules that the account's admins have set, by property."""
        answer = await self._wire.get(paths.property_validations(object_type))
        return answers.read(answers.ValidationRules, answer.body).results

    async def account(self) -> answers.Account:
        answer = await self._wire.get(paths.ACCOUNT)
        return answers.read(answers.Account, answer.body)

    async def daily_usage(self) -> answers.DailyUsage | None:
        """Of the account's calls today, some minutes old; None when HubSpot does not say."""
        return await account.daily_usage(self._wire)

    async def token_scopes(self) -> frozenset[str] | None:
        """What the token may do; None when HubSpot does not say."""
        return await account.token_scopes(self._wire)
