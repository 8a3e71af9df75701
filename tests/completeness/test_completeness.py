"""Whatever happens to the account, to HubSpot and to the schedulers: in the end the database is what HubSpot has.

Creates, edits, mass edits, archives, restores, merges, purges; an index that lags; every fault that a read can meet;
kills at any point; schedulers that take over while the last one still writes. What happened is counted and printed.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
import stamina

from crm import retries, token, transport
from scheduler import list_scan, recording
from tests.completeness.account import Account, account
from tests.completeness.chance import BY_SETTLE, BY_TAILS, EVERYTHING
from tests.completeness.operations import CHANGES, FAULTS
from tests.completeness.proving import Proof, by_tails_alone

DEALS = 12
PARTS, EXAMPLES, SETTLE_EXAMPLES = 4, 30, 20
SOAK_PARTS, SOAK_EXAMPLES, SOAK_SETTLE_EXAMPLES = 10, 350, 150
TAIL_EXAMPLES = 20
# Programs of the soak are other ones.
SOAK_FROM = 10_000
MUST_HAVE_HAPPENED = (
    *CHANGES,
    *(f"fault {kind}" for kind in FAULTS),
    "kill soft",
    "kill hard",
    "take-over",
    "take-over of a sync under way",
    "write of a former leader refused",
    "write that lags",
    "write that may lag beyond the overlap",
    "change between answer and storing",
    "answer held up",
    "run brought to its end",
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
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits are skipped and refusals rest for no time; lists are cut into few parts that are split all the same."""
    monkeypatch.setattr(transport, "CALL_SECONDS", transport.CALL_SECONDS)
    monkeypatch.setattr(token, "REFUSED_SECONDS", 0.0)
    monkeypatch.setattr(recording, "REFUSED_SECONDS", 0.0)
    monkeypatch.setattr(list_scan, "MOST_PARTS", 3)
    monkeypatch.setattr(list_scan, "READERS", 2)
    monkeypatch.setattr(list_scan, "DEALS_IN_A_PART", 4)
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        yield


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_is_missing_stale_or_twice(part: int, hubspot: Account, database_url: str) -> None:
    """0 missing, 0 stale, 0 duplicates, and one NEW run a deal, after two hundred different disasters."""
    proof = Proof(hubspot, database_url)
    await proof.of(_part(part, EXAMPLES), EVERYTHING)
    await proof.of(_part(part, SETTLE_EXAMPLES), BY_SETTLE)
    it_all_happened(proof.counts)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(SOAK_PARTS))
async def test_nothing_is_missing_after_five_thousand_disasters(part: int, hubspot: Account, database_url: str) -> None:
    """The same, for as long as one has patience."""
    proof = Proof(hubspot, database_url)
    await proof.of(_part(part, SOAK_EXAMPLES, SOAK_FROM), EVERYTHING)
    await proof.of(_part(part, SOAK_SETTLE_EXAMPLES, SOAK_FROM), BY_SETTLE)
    it_all_happened(proof.counts)


async def test_the_tail_alone_is_complete_while_the_index_lags_less_than_its_overlap(
    hubspot: Account, database_url: str
) -> None:
    """No settle scan and no reconcile is needed then: what is edited or created is there with the next tail."""
    proof = Proof(hubspot, database_url, by_tails_alone)
    await proof.of(range(TAIL_EXAMPLES), BY_TAILS)
    assert proof.counts["write that lags"]


def _part(part: int, size: int, first: int = 0) -> range:
    return range(first + part * size, first + (part + 1) * size)


def it_all_happened(counts: Counter[str]) -> None:
    """Otherwise it would prove nothing."""
    print("", *(f"{counts[name]:7}  {name}" for name in sorted(counts)), sep="\n")
    assert [name for name in MUST_HAVE_HAPPENED if not counts[name]] == []
