"""Whatever happens to the account, to HubSpot and to the schedulers: in the end the database matches HubSpot.

Creates, edits, mass edits, archives, restores, merges, purges; an index that lags; every fault that a read can meet;
kills at any point; schedulers that take over while the last one still writes. What happened is counted and printed.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
import stamina

from crm import retries, token, transport
from scheduler.sync import list_scan, sync_lifecycle
from tests.completeness.account import Account, account
from tests.completeness.chance import BY_SETTLE, BY_TAILS, EVERYTHING
from tests.completeness.operations import CHANGES, FAULTS
from tests.completeness.proving import Proof, by_tails_alone

DEALS = 12
PARTS, EXAMPLES, SETTLE_EXAMPLES = 4, 30, 20
SOAK_PARTS, SOAK_EXAMPLES, SOAK_SETTLE_EXAMPLES = 10, 350, 150
TAIL_EXAMPLES = 20
# The soak plays other programs.
SOAK_FROM = 10_000
MUST_HAVE_HAPPENED = (
    *CHANGES,
    *(f"fault {kind}" for kind in FAULTS),
    "kill soft",
    "kill hard",
    "take-over",
    "take-over of a running sync",
    "write of a former leader refused",
    "write that lags",
    "write that may lag beyond the overlap",
    "change between answer and storage",
    "answer held",
    "run completed",
    "complete without the reconcile",
    "sync done",
    "sync failed",
    "sync interrupted",
)


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Account]:
    with account(deals=DEALS) as running:
        yield running


@pytest.fixture(autouse=True)
def fast_retries_and_small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No retry waits and no cooldown; lists have few parts, which are split nevertheless."""
    monkeypatch.setattr(transport, "CALL_SECONDS", transport.CALL_SECONDS)
    monkeypatch.setattr(token, "REFUSED_SECONDS", 0.0)
    monkeypatch.setattr(sync_lifecycle, "COOLDOWN_SECONDS", 0.0)
    monkeypatch.setattr(list_scan, "MOST_PARTS", 3)
    monkeypatch.setattr(list_scan, "READERS", 2)
    monkeypatch.setattr(list_scan, "DEALS_IN_A_PART", 4)
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_is_missing_stale_or_twice(part: int, hubspot: Account, database_url: str) -> None:
    """0 missing, 0 stale, 0 duplicates, and one NEW run a deal, after each of two hundred different programs."""
    proof = Proof(hubspot, database_url)
    await proof.of(_part(part, EXAMPLES), EVERYTHING)
    await proof.of(_part(part, SETTLE_EXAMPLES), BY_SETTLE)
    everything_happened(proof.counts)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAK_PARTS))
async def test_nothing_is_missing_after_five_thousand_programs(part: int, hubspot: Account, database_url: str) -> None:
    """The same as above, with more programs."""
    proof = Proof(hubspot, database_url)
    await proof.of(_part(part, SOAK_EXAMPLES, SOAK_FROM), EVERYTHING)
    await proof.of(_part(part, SOAK_SETTLE_EXAMPLES, SOAK_FROM), BY_SETTLE)
    everything_happened(proof.counts)


async def test_the_tail_alone_is_complete_while_the_index_lags_less_than_its_overlap(
    hubspot: Account, database_url: str
) -> None:
    """No settle scan and no reconcile is needed then: the next tail stores what was edited or created."""
    proof = Proof(hubspot, database_url, by_tails_alone)
    await proof.of(range(TAIL_EXAMPLES), BY_TAILS)
    assert proof.counts["write that lags"]


def _part(part: int, size: int, first: int = 0) -> range:
    return range(first + part * size, first + (part + 1) * size)


def everything_happened(counts: Counter[str]) -> None:
    """Otherwise the test would prove nothing."""
    print("", *(f"{counts[name]:7}  {name}" for name in sorted(counts)), sep="\n")
    assert [name for name in MUST_HAVE_HAPPENED if not counts[name]] == []
