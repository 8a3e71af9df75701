"""What HubSpot can do to a sync: the error is recorded, the watermark stays, and the next sync repairs it."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import stamina
from prometheus_client import REGISTRY, generate_latest
from pydantic import SecretStr

from core.database import Database
from crm import transport
from crm.client import HubSpot
from models import SyncKind
from sandbox.app import Options
from sandbox.faults.kinds import FaultKind
from sandbox.testing import Running, running
from scheduler.context import JobContext
from scheduler.sync.cooldown import Cooldown
from scheduler.sync.sync_jobs import archive, backfill, reconcile, settle, tail
from tests.crm.scripted_server import RecordingBudget
from tests.factories import one, rows
from tests.hubspot import catalog
from tests.scheduler.contexts import leading_context

CANARY = "pat-na1-canary-7f3a9b-do-not-leak"
OPTIONS = Options(token=CANARY, burst=1_000_000, search_per_second=1_000_000, lively=False)
STATE = "SELECT watermark, tail_from FROM sync_state"
LAST = "SELECT kind, outcome, error, calls FROM sync_runs ORDER BY ended_at DESC LIMIT 1"


@pytest.fixture
def hubspot() -> Iterator[Running]:
    with running(deals=30, options=OPTIONS) as sandbox:
        yield sandbox


@pytest.fixture
async def context(database: Database, hubspot: Running, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(transport, "CALL_SECONDS", 0.3)
    stamina.set_testing(True, attempts=3, cap=True)
    async with opened(hubspot) as client:
        yield await leading_context(database, client)
    stamina.set_testing(False)


def opened(hubspot: Running) -> HubSpot:
    return HubSpot(hubspot.url, lambda: SecretStr(CANARY), RecordingBudget())


def heal(hubspot: Running) -> None:
    httpx.delete(f"{hubspot.url}/_sim/fault", trust_env=False).raise_for_status()


def control(hubspot: Running, what: str, **body: object) -> None:
    httpx.post(f"{hubspot.url}/_sim/{what}", json=body, trust_env=False).raise_for_status()


async def last(database: Database) -> dict[str, Any]:
    return (await rows(database, LAST))[0]


async def test_a_revoked_token_stops_the_syncs_at_once(
    context: JobContext, database: Database, hubspot: Running
) -> None:
    """One call, no retries, the watermark stays; while the same token is refused, no further call is made."""
    await tail(context)
    before = await rows(database, STATE)
    control(hubspot, "config", token_revoked=True)
    await tail(context)
    found = await last(database)
    assert (found["outcome"], found["calls"]) == ("FAILED", {"401": 1})
    assert "Check HUBSPOT_TOKEN" in found["error"]
    await settle(context)
    assert (await last(database))["calls"] == {}
    assert await rows(database, STATE) == before


async def test_a_missing_scope_is_named_and_starts_the_cooldown(
    context: JobContext, database: Database, hubspot: Running
) -> None:
    """The recorded error names the scope; until the cooldown ends, no sync runs."""
    control(hubspot, "config", missing_scopes=["crm.objects.deals.read"])
    await tail(context)
    found = await last(database)
    assert (found["outcome"], found["calls"]) == ("FAILED", {"403": 1})
    assert "crm.objects.deals.read" in found["error"]
    for job in (tail, settle, backfill, archive, reconcile):
        await job(context)
    assert await one(database, "SELECT count(*) FROM sync_runs") == 1


async def test_the_daily_limit_is_recorded_and_keeps_the_watermark(
    context: JobContext, database: Database, hubspot: Running
) -> None:
    """And it is no reason to call again at once."""
    await tail(context)
    before = await rows(database, STATE)
    control(hubspot, "fault", kind="daily_limit", path="search", times=None)
    await tail(context)
    found = await last(database)
    assert found["outcome"] == "FAILED"
    assert "daily limit" in found["error"]
    assert await rows(database, STATE) == before


async def test_repeated_failures_share_a_row(context: JobContext, database: Database, hubspot: Running) -> None:
    """With a count; a night without HubSpot does not fill the table."""
    await tail(context)
    control(hubspot, "fault", kind="not_found", path="search", times=None)
    for _ in range(5):
        await tail(context)
    failed = await rows(database, "SELECT polls, calls FROM sync_runs WHERE outcome = 'FAILED'")
    assert failed == [{"polls": 5, "calls": {"404": 5}}]


@pytest.mark.parametrize("kind", sorted(kind.value for kind in FaultKind))
async def test_no_fault_leaks_the_token_or_moves_the_watermark_past_unread_deals(
    kind: str,
    context: JobContext,
    database: Database,
    hubspot: Running,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in logs at DEBUG, rows, errors, reprs or metrics; once the fault is cleared, everything is read."""
    caplog.set_level(logging.DEBUG)
    for path in ("search", "0-3\\?", "batch/read"):
        control(hubspot, "fault", kind=kind, path=path, times=4, **({"seconds": 1} if kind == "hang" else {}))
    for job in (backfill, tail, settle, archive, reconcile):
        await job(context)
    stored = await rows(database, "SELECT to_jsonb(s)::text AS text FROM sync_runs s")
    rejects = await rows(database, "SELECT to_jsonb(s)::text AS text FROM sync_rejects s")
    stored_texts = [row["text"] for row in (*stored, *rejects)]
    written = capsys.readouterr()
    outputs = [
        *stored_texts,
        written.out,
        written.err,
        caplog.text,
        repr(context),
        repr(context.crm),
        generate_latest(REGISTRY).decode(),
    ]
    assert not [text for text in outputs if "canary" in text]
    heal(hubspot)
    # A minute later, after the cooldown.
    async with opened(hubspot) as client:
        later = replace(context, crm=client, catalog=catalog(client), cooldown=Cooldown(context.clock))
        for job in (backfill, tail, reconcile):
            await job(later)
    failed = await rows(database, "SELECT kind, error FROM sync_runs WHERE outcome = 'FAILED'")
    assert await one(database, "SELECT count(*) FROM deals WHERE archived_at IS NULL") == 30, failed


async def test_calls_are_counted_by_status(context: JobContext, database: Database, hubspot: Running) -> None:
    """Including those that were retried."""
    control(hubspot, "fault", kind="server_error", path="search", times=1)
    await tail(context)
    found = await last(database)
    assert (found["kind"], found["outcome"]) == (SyncKind.TAIL, "DONE")
    assert found["calls"]["500"] == 1
    assert found["calls"]["200"] >= 1


async def test_a_refused_token_is_recorded_as_a_sentence(database: Database, hubspot: Running) -> None:
    """The row has HubSpot's message, without the token; no watermark is stored."""
    token = SecretStr("pat-na1-canary-canary")
    async with HubSpot(hubspot.url, lambda: token, RecordingBudget()) as stranger:
        await tail(await leading_context(database, stranger))
    found = await last(database)
    assert found["outcome"] == "FAILED"
    assert "401" in found["error"]
    assert "canary" not in found["error"]
    assert await rows(database, "SELECT watermark FROM sync_state") == []
