"""The generated account: the same for the same seed and day."""

import time

from core.clock import SystemClock
from sandbox.account.account import Account
from sandbox.account.object_types import DEALS, TYPES
from sandbox.account.records import Record
from sandbox.account.seed_data import build_account
from tests.sandbox.clocks import Evening, Noon


def contents(account: Account) -> dict[str, list[Record]]:
    return {object_type.name: list(account.table(object_type)) for object_type in TYPES}


def associations(account: Account) -> list[object]:
    targets = ("contacts", "companies", "line_items", "notes")
    return [account.associations.of("deals", deal.id, target) for deal in account.table(DEALS) for target in targets]


def test_the_same_seed_builds_the_same_account_all_day() -> None:
    """Every record, id, time and association is equal, whatever the hour of the start."""
    first, second = build_account(Noon(), deals=200, seed=3)[0], build_account(Evening(), deals=200, seed=3)[0]
    assert contents(first) == contents(second)
    assert associations(first) == associations(second)


def test_a_later_start_never_reuses_the_id_of_a_new_deal() -> None:
    """A client that has synced the first sandbox sees the new deals of the second one as new."""
    (first, first_maker), (second, second_maker) = (build_account(at(), deals=20, seed=3) for at in (Noon, Evening))
    for _ in range(100):
        first_maker.make(first.now_ms(), first.now_ms())
    seen = {deal.id for deal in first.table(DEALS)}
    fresh = {second_maker.make(second.now_ms(), second.now_ms()).id for _ in range(10)}
    assert not fresh & seen
    assert {len(str(number)) for number in fresh} <= {11, 12}


def test_another_seed_builds_another_account() -> None:
    """Names and ids differ."""
    first, second = build_account(Noon(), deals=50, seed=3)[0], build_account(Noon(), deals=50, seed=4)[0]
    assert {deal.id for deal in first.table(DEALS)} != {deal.id for deal in second.table(DEALS)}
    assert [deal.get("dealname") for deal in first.table(DEALS)] != [d.get("dealname") for d in second.table(DEALS)]


def test_ids_cross_a_power_of_ten_with_gaps(large: Account) -> None:
    """Ascending, 10 to 12 digits, of two lengths: a client that sorts them as text gets the order wrong."""
    ids = [deal.id for deal in large.table(DEALS)]
    assert ids == sorted(ids)
    assert {len(str(number)) for number in ids} == {10, 11}
    assert ids[-1] - ids[0] > 100 * len(ids)
    every = [record.id for object_type in TYPES for record in large.table(object_type)]
    assert all(10 <= len(str(number)) <= 12 for number in every)
    assert len(set(every)) == len(every)


def test_500_deals_are_built_in_less_than_a_second() -> None:
    """`make run` waits for it."""
    started = time.perf_counter()
    build_account(SystemClock(), deals=500, seed=1)
    assert time.perf_counter() - started < 1
