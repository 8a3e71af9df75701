"""What HubSpot refuses to the token fails no run: it waits with the reason, and continues when access is granted."""

import pytest

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from tests.crm.account import Account
from tests.factories import one, queued_deal, rows, run_store
from tests.hubspot import Sandbox
from tests.pipeline.stages.write_back.prepared_account import DealInHubSpot
from tests.pipeline.worker.conftest import KENJI
from tests.pipeline.worker.worked_queue import Token, WorkedQueue

CONTACTS = "crm.objects.contacts.read"
# In the order in which a run needs them.
SCOPES = (
    ("crm.objects.deals.read", "fetch"),
    (CONTACTS, "fetch"),
    ("crm.objects.companies.read", "fetch"),
    ("crm.objects.line_items.read", "fetch"),
    ("crm.schemas.deals.read", "fetch"),
    ("crm.objects.owners.read", "fetch"),
    ("crm.objects.deals.write", "write_back"),
    ("crm.objects.contacts.write", "write_back"),
)
WAITING = "SELECT waits_for, next_attempt_at > now() AS later FROM pipeline_runs WHERE status = 'RETRYING' ORDER BY id"
# The n-th run that waits for the same thing waits for n times 30 s at least.
TOO_EARLY = """
SELECT id FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM pipeline_runs) AS r
WHERE next_attempt_at < now() - interval '20 s' + n * interval '30 s'
"""
# One run in 40 s, in the order of their ids, and no job is due before.
TURNS = """
UPDATE pipeline_runs AS r SET next_attempt_at = now() + o.n * interval '40 s'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM pipeline_runs) AS o WHERE o.id = r.id RETURNING r.id
"""
STATUSES = "SELECT status::text, count(*) AS n FROM pipeline_runs GROUP BY status"


@pytest.fixture
def deal_id(account: Account) -> str:
    """HubSpot's id of a deal with a contact, a company and a line item, and a serious finding for its owner."""
    return account.deal(
        {"amount": "-5", "hubspot_owner_id": KENJI},
        contacts=[account.contact()],
        companies=[account.company()],
        line_items=[account.line_item("100")],
    )


async def test_a_run_waits_for_each_scope_and_continues_when_it_is_granted(
    pipeline: WorkedQueue, hubspot: Sandbox, account: Account, database: Database, deal_id: str
) -> None:
    """However often it is refused, this uses up no attempt. With the last scope it is DONE, everything written once."""
    await queued_deal(database, hubspot_deal_id=deal_id)
    lacking = [scope for scope, _ in SCOPES]
    hubspot.revoke(*lacking)
    await pipeline.work()
    waited = []
    while lacking:
        await pipeline.pass_time()
        shown = await pipeline.state()
        assert (shown["status"], shown["deal"], shown["step"], shown["error"], shown["again"]) == (
            "RETRYING", "RETRYING", "FAILED", "MissingScopes", True,
        )  # fmt: skip
        scope = next(scope for scope in lacking if scope in shown["message"])
        assert await rows(database, WAITING) == [{"waits_for": f"the scope {scope}", "later": True}]
        waited.append((scope, shown["stage"]))
        lacking.remove(scope)
        hubspot.revoke(*lacking)
    await pipeline.done()
    assert waited == list(SCOPES)
    assert await one(database, "SELECT max(failures) FROM steps") == 0
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


async def test_one_run_asks_for_all_that_wait_for_the_same_scope(
    pipeline: WorkedQueue, hubspot: Sandbox, account: Account, database: Database
) -> None:
    """Each is refused once; then one at a time is attempted, in turn, and with its success all others continue.

    A batch that reads ahead is refused once, not again for every deal.
    """
    contact, company = account.contact(), account.company()
    for _ in range(6):
        await queued_deal(database, hubspot_deal_id=account.deal(contacts=[contact], companies=[company]))
    hubspot.revoke(CONTACTS)
    before = len(hubspot.journal())
    await pipeline.work()
    calls = hubspot.journal()[before:]
    assert sum("/0-3/batch/read" in call["path"] for call in calls) == 1
    assert [call["status"] for call in calls].count(403) == 6 + 1
    assert await rows(database, TOO_EARLY) == []
    runs, tried = run_store(database), "SELECT count(*) FROM step_attempts"
    await rows(database, TURNS)
    for attempts in (7, 8):
        assert await runs.probe_access() == 1
        # The next turn is near, so that no other run is attempted.
        assert await runs.probe_access() == 0
        await pipeline.work()
        assert await one(database, tried) == attempts
    assert await one(database, "SELECT max(attempts) FROM steps") == 2
    hubspot.grant_all()
    assert await runs.probe_access() == 1
    await pipeline.work()
    assert await rows(database, STATUSES) == [{"status": "DONE", "n": 6}]


async def test_a_waiting_run_can_be_cancelled_retried_and_processed_now(
    pipeline: WorkedQueue, hubspot: Sandbox, database: Database, context: OperationContext, deal_id: str
) -> None:
    """Process now asks HubSpot at once; a worker that dies while it asks loses nothing."""
    own = await queued_deal(database, hubspot_deal_id=deal_id)
    hubspot.revoke(CONTACTS)
    await pipeline.work()
    await cancel(context, own)
    assert await rows(database, STATUSES) == [{"status": "CANCELLED", "n": 1}]
    await retry(context, own)
    await pipeline.work()
    assert [row["waits_for"] for row in await rows(database, WAITING)] == [f"the scope {CONTACTS}"]
    await process_now(context, own)
    await pipeline.work()
    assert [row["later"] for row in await rows(database, WAITING)] == [True]
    await process_now(context, own)
    assert await run_store(database).claim(own, worker="another") is not None
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' WHERE status = 'RUNNING' RETURNING id")
    assert await run_store(database).reap() == 1
    hubspot.grant_all()
    await pipeline.work()
    assert (await pipeline.state())["status"] == "DONE"


async def test_one_run_asks_for_all_that_wait_for_a_valid_token(
    pipeline: WorkedQueue, hubspot: Sandbox, account: Account, database: Database, token: Token
) -> None:
    """As for a scope: each is attempted once, then one at a time; with a valid token all continue."""
    for _ in range(3):
        await queued_deal(database, hubspot_deal_id=account.deal())
    hubspot.accept("pat-na1-another")
    await pipeline.work()
    waits = {row["waits_for"] for row in await rows(database, WAITING)}
    assert waits == {"a HubSpot token that is valid"}
    assert await rows(database, TOO_EARLY) == []
    await rows(database, TURNS)
    runs, tried = run_store(database), "SELECT count(*) FROM step_attempts"
    assert await runs.probe_access() == 1
    await pipeline.work()
    assert await one(database, tried) == 3 + 1
    token.value = "pat-na1-another"
    assert await runs.probe_access() == 1
    await pipeline.work()
    assert await rows(database, STATUSES) == [{"status": "DONE", "n": 3}]
