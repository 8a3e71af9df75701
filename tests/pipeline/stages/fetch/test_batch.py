"""A batch costs a fraction of the calls, and its deals end as those that are read one by one."""

from collections.abc import AsyncIterator, Iterable, Iterator

import pytest
from sqlalchemy import text

from core.database import Database
from crm.client import HubSpot
from pipeline.stages.companies import lookup
from pipeline.stages.companies.answers import Kind, Recalled, database_time
from pipeline.stages.fetch import snapshots
from tests.crm.account import Account
from tests.factories import one
from tests.hubspot import NoLimits, Sandbox, sandbox_process
from tests.pipeline.stages.fetch.hydrating import BOTH, calls, live, outputs, process_all, queue

DEALS = 300
# The first of them, among which are the odd ones, are read one by one as well.
READ_ALONE = 50


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS + 20), "--burst", "100000", "--search-per-second", "1000") as sandbox:
        yield sandbox


@pytest.fixture
async def unlimited(hubspot: Sandbox) -> AsyncIterator[HubSpot]:
    """A client without a rate limit: one deal at a time makes more searches than it allows."""
    async with HubSpot(hubspot.url, hubspot.token, NoLimits()) as opened:
        yield opened


def odd_deals(account: Account) -> list[str]:
    """Deals whose companies and contacts are not as they should be."""
    twins = [account.company(f"Twin {number}", "Twins.example") for number in range(7)]
    archived, other = account.company("Gone", "gone.example"), account.company("Größe & Söhne", "größe.example")
    of_twins, elsewhere = account.contact("ada@TWINS.example"), account.contact("ada@größe.example", name="Åda")
    of_other, of_archived = account.contact("bob@gmail.com", company=other), account.contact(company=archived)
    deals = [
        account.deal(contacts=[of_twins]),
        account.deal(contacts=[elsewhere, of_twins, account.contact("eve@twins.example")]),
        account.deal(contacts=[of_other]),
        account.deal(contacts=[of_other, of_archived, elsewhere]),
        account.deal(contacts=[of_archived]),
        account.deal(contacts=[elsewhere], companies=[archived]),
        account.deal(contacts=[account.contact("no address"), account.contact("x@nothing.example")]),
        account.deal(companies=[archived, other, twins[0]]),
        account.deal(companies=twins),
        account.deal(),
    ]
    account.archive("companies", archived)
    return deals


async def test_three_hundred_deals_cost_a_fraction_of_the_calls(
    database: Database,
    unlimited: HubSpot,
    hubspot: Sandbox,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At most a quarter of a call a deal, and the outputs are those of deals that are read one by one."""
    odd = odd_deals(account)
    deal_ids = await queue(database, unlimited, [*odd, *live(hubspot, DEALS - len(odd))], BOTH)
    before = calls(hubspot)
    await process_all(database, unlimited, deal_ids)
    batched, batched_outputs = calls(hubspot) - before, await outputs(database)
    assert len(batched_outputs) == 2 * DEALS
    assert batched.total() / DEALS <= 0.25, batched
    assert await one(database, "SELECT count(*) FROM deal_snapshots") == 0
    await reset(database)
    never = str(snapshots._RESERVE).replace(f">= {snapshots.MIN_BATCH} AND", "> 1000 AND")
    monkeypatch.setattr(snapshots, "_RESERVE", text(never))
    monkeypatch.setattr(lookup, "recall", nothing_recalled)
    before = calls(hubspot)
    await process_all(database, unlimited, deal_ids[:READ_ALONE])
    alone, alone_outputs = calls(hubspot) - before, await outputs(database)
    assert alone["GET /crm/objects/{version}/{type}/{id}"] == READ_ALONE
    print(f"calls a deal: {alone.total() / READ_ALONE:.2f} alone, {batched.total() / DEALS:.3f} in batches")
    assert len(alone_outputs) == 2 * READ_ALONE
    assert alone_outputs == {key: batched_outputs[key] for key in alone_outputs}
    assert any(len(output.get("stage_history", ())) > 1 for output in alone_outputs.values())
    assert sum(bool(output.get("suggestions")) for output in alone_outputs.values()) > len(odd) // 2


async def nothing_recalled(database: Database, run_id: int, kind: Kind, keys: Iterable[str]) -> Recalled:
    """Each deal asks HubSpot by itself."""
    return Recalled(await database_time(database), {})


async def reset(database: Database) -> None:
    """Reset all runs to QUEUED, without steps or snapshots."""
    for statement in (
        "DELETE FROM deal_snapshots",
        "DELETE FROM steps",
        "UPDATE pipeline_runs SET status = 'QUEUED', claims = 0, ended_at = NULL, lease_until = NULL",
    ):
        await database.run(text(statement))
