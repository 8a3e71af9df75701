"""One search finds the companies of many domains, exactly those that a search for each domain finds."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from crm import companies
from crm.client import HubSpot
from crm.errors import RequestRefused
from tests.crm.account import Account
from tests.hubspot import NoLimits, Sandbox

SEARCHES = "POST /crm/objects/{version}/{type}/search"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three results instead of two hundred."""
    monkeypatch.setattr(companies, "SEARCH_LIMIT", 3)


@contextmanager
def late_index(hubspot: Sandbox) -> Iterator[None]:
    """Inside the block, the search index does not learn of what is written."""
    hubspot.configure(lag_ms=[3_600_000, 3_600_000])
    yield
    hubspot.configure(lag_ms=[0, 0])


@pytest.fixture
async def client(hubspot: Sandbox) -> AsyncIterator[HubSpot]:
    """Without a rate limit."""
    async with HubSpot(hubspot.url, hubspot.token, NoLimits()) as opened:
        yield opened


async def found(client: HubSpot, domains: list[str]) -> dict[str, list[tuple[str, str | None]]]:
    answer = await client.companies_by_domain(domains)
    return {domain: [(one.id, one.properties.get("name")) for one in answer[domain]] for domain in answer}


async def one_by_one(client: HubSpot, domains: list[str]) -> dict[str, list[tuple[str, str | None]]]:
    return {domain: (await found(client, [domain]))[domain] for domain in domains}


async def test_many_domains_are_one_search(client: HubSpot, account: Account) -> None:
    """Capitals, other scripts, twins and domains that no company has; the oldest five of each."""
    for number in range(7):
        account.company(f"Twin {number}", "Twins-Of-Many.example")
    account.company("Köln", "köln-und-söhne.example")
    account.company("Nameless", "nameless.example")
    domains = ["twins-of-many.example", "köln-und-söhne.example", "nameless.example", "missing.example"]
    before = account.calls(SEARCHES)
    together = await found(client, domains)
    assert account.calls(SEARCHES) - before == 1
    assert [len(together[domain]) for domain in domains] == [5, 1, 1, 0]
    assert together == await one_by_one(client, domains)


@pytest.mark.usefixtures("small_pages")
async def test_a_domain_of_many_companies_pushes_out_no_other(client: HubSpot, account: Account) -> None:
    """The pages go on until each domain has all of its companies, or five."""
    for number in range(9):
        account.company(f"Crowd {number}", "crowd.example")
    account.company("Last", "alone-behind-a-crowd.example")
    domains = ["crowd.example", "alone-behind-a-crowd.example"]
    together = await found(client, domains)
    assert [len(together[domain]) for domain in domains] == [5, 1]
    assert together == await one_by_one(client, domains)


async def test_a_company_that_is_found_by_its_former_domain_counts_for_that_domain(
    client: HubSpot, hubspot: Sandbox, account: Account
) -> None:
    """As in a search for that domain alone: HubSpot's index is late, and the values that it returns are not."""
    moved, stays = account.company("Moved", "moved.example"), account.company("Stays", "stays.example")
    with late_index(hubspot):
        account.change("companies", moved, {"domain": "elsewhere.example"})
        domains = ["nothing.example", "stays.example", "moved.example"]
        together = await found(client, domains)
        assert [[one for one, _ in together[domain]] for domain in domains] == [[], [stays], [moved]]
        assert together == await one_by_one(client, domains)


async def test_more_domains_than_a_search_takes_are_several_searches(client: HubSpot, account: Account) -> None:
    """HubSpot takes a hundred values and 3,000 characters."""
    short = [f"d{number}.example" for number in range(150)]
    long = [f"{'x' * 200}{number}.example" for number in range(20)]
    before = account.calls(SEARCHES)
    assert set(await found(client, short)) == set(short)
    assert account.calls(SEARCHES) - before == 2
    assert set(await found(client, long)) == set(long)
    assert account.calls(SEARCHES) - before == 4


async def test_a_domain_that_hubspot_refuses_stops_no_other(client: HubSpot, account: Account) -> None:
    """It alone has no answer; by itself it raises HubSpot's reason."""
    company = account.company("Good", "good.example")
    bad = "x" * 3_000 + ".example"
    assert await found(client, [bad, "good.example"]) == {"good.example": [(company, "Good")]}
    with pytest.raises(RequestRefused):
        await found(client, [bad])


async def test_no_domains_cost_no_call(client: HubSpot, account: Account) -> None:
    before = account.calls(SEARCHES)
    assert await found(client, []) == {}
    assert account.calls(SEARCHES) == before
