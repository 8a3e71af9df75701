"""HubSpot, as far as the sync and the stages need it: reads only, each within the shared budget."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from crm import answers, paths
from crm.budget import Budget, Policy
from crm.errors import BadAnswer
from crm.properties import COMPANY_PROPERTIES, PROPERTIES
from crm.records import CrmRecord, parse_record
from crm.wire import Json, Wire

# HubSpot's largest pages: search 200, batch read 100, owners 500, inputs of an association batch 1,000.
SEARCH_LIMIT = 200
BATCH_SIZE = 100
OWNERS_LIMIT = 500
ASSOCIATIONS_BATCH = 1_000
# A search from the epoch itself is answered with 500.
EARLIEST_SEARCH_MS = 1_000
# More companies with one domain than this are not worth telling apart.
DOMAIN_MATCHES = 5


@dataclass(frozen=True, slots=True)
class SearchPage:
    """`total` counts all matches from the page's first on; `server_time` is HubSpot's clock, whole seconds, UTC."""

    records: list[Json]
    total: int
    server_time: datetime


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`missing` are the ids that HubSpot does not have (any more)."""

    records: list[CrmRecord]
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Associated:
    """Ids, each once, in HubSpot's order; `complete` is false when HubSpot has more of them."""

    ids: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class FoundDeal:
    """`associated` has an entry for each type that was asked for."""

    record: CrmRecord
    associated: Mapping[str, Associated]


@dataclass(frozen=True, slots=True)
class Association:
    """To one record, with the types of it: a primary company has two."""

    id: str
    type_ids: frozenset[int]


class HubSpot:
    """An async context manager; one per process. Every method raises CrmError."""

    def __init__(
        self,
        base_url: str,
        token: SecretStr,
        budget: Budget,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """ConfigurationError when a token must not be sent to that URL. Nothing is connected before the first call."""
        self._token = token
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
        answer = await self._wire.post(
            paths.search(paths.DEALS), deal_search(modified_since, after_id, limit), policy=Policy.SEARCH
        )
        page = answers.read(answers.SearchResults, answer.body)
        return SearchPage(page.results, page.total, _server_time(answer.headers))

    async def get_deal(self, identifier: str, *, associations: Sequence[str] = (), archived: bool = False) -> FoundDeal:
        """NotFound when there is none. The record's id is another one than was asked for when the deal was merged.

        With `archived`, only the recycle bin is looked at. Of each association up to 100 come along.
        """
        query = {"properties": ",".join(PROPERTIES), "archived": str(archived).lower()}
        if associations:
            query["associations"] = ",".join(associations)
        answer = await self._wire.get(paths.record(paths.DEALS, identifier), **query)
        pages = answers.read(answers.InlineAssociations, answer.body).associations
        # HubSpot writes "line items" there and takes "line_items" in the question.
        found = {name.replace(" ", "_"): _associated(page) for name, page in pages.items()}
        return FoundDeal(parse_record(answer.body), {name: found.get(name, Associated()) for name in associations})

    async def batch_read(self, object_type: str, ids: Iterable[str], properties: Sequence[str]) -> BatchResult:
        """One call for each hundred ids; ids in any order, each once; no call for none."""
        wanted = list(dict.fromkeys(ids))
        records: list[CrmRecord] = []
        for chunk in _chunks(wanted, BATCH_SIZE):
            body = {"properties": list(properties), "inputs": [{"id": identifier} for identifier in chunk]}
            answer = await self._wire.post(paths.batch_read(object_type), body)
            records += map(parse_record, answers.read(answers.Records, answer.body).results)
        found = {record.id for record in records}
        return BatchResult(records, [identifier for identifier in wanted if identifier not in found])

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
        found: dict[str, list[Association]] = {identifier: [] for identifier in ids}
        for chunk in _chunks(list(found), ASSOCIATIONS_BATCH):
            body = {"inputs": [{"id": identifier} for identifier in chunk]}
            answer = await self._wire.post(paths.associations(from_type, to_type), body)
            for result in answers.read(answers.AssociationResults, answer.body).results:
                found[result.source.id] = [_association(entry) for entry in result.to]
        return found

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

    async def property_validations(self, object_type: str) -> list[answers.PropertyRules]:
        """The rules that the account's admins have set, by property."""
        answer = await self._wire.get(paths.property_validations(object_type))
        return answers.read(answers.ValidationRules, answer.body).results


def deal_search(modified_since: datetime, after_id: int, limit: int) -> Json:
    """A keyset over the immutable id, without an upper bound: a deal that changes meanwhile cannot slip through."""
    since = max(EARLIEST_SEARCH_MS, int(modified_since.timestamp() * 1000))
    return {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(since)},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": str(after_id)},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(PROPERTIES),
        "limit": limit,
    }


def _server_time(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except ValueError:
        raise BadAnswer("HubSpot's answer to a search has no readable Date header; the sync needs its clock.") from None


def _associated(page: answers.InlinePage) -> Associated:
    """A primary company stands there twice, once for each type of association."""
    return Associated(tuple(dict.fromkeys(entry.id for entry in page.results)), page.paging is None)


def _association(entry: answers.AssociatedRecord) -> Association:
    return Association(entry.to_object_id, frozenset(kind.type_id for kind in entry.association_types))


def _chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
