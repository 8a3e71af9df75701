"""What users do to deals: the same from the same state."""

import httpx

from sandbox.account.account import seeded
from sandbox.account.object_types import DEALS
from sandbox.account.pipelines import pipeline_of
from sandbox.account.seed_data import build_account
from sandbox.account.simulated_users import SimulatedUsers
from sandbox.testing import Running
from tests.sandbox.clocks import Noon
from tests.sandbox.deals import mutate, truth


def test_the_same_state_has_the_same_mutations(own_sandbox: Running, own_api: httpx.Client) -> None:
    """From one snapshot the same deals are picked, with the same timestamps under a frozen clock."""
    own_sandbox.clock.freeze()
    snapshot = own_api.post("/_sim/snapshot", json={}).json()
    wanted = {"create": 2, "edit": 4, "archive": 2, "merge": 2, "purge": 1}
    first, seen = mutate(own_api, **wanted), truth(own_api)
    own_api.post("/_sim/restore", json=snapshot)
    assert mutate(own_api, **wanted) == first
    assert truth(own_api) == seen


def test_different_open_deals_are_picked_first() -> None:
    """No deal twice, and not more than there are; a closed deal is rare while open ones exist."""
    account, maker = build_account(Noon(), deals=200, seed=1)
    users = SimulatedUsers(account, maker, seeded(1, "activity"))
    every = users.pick(500)
    assert {deal.id for deal in every} == set(account.table(DEALS).live_ids)
    assert len(every) == 200
    picked = [users.pick(1)[0] for _ in range(100)]
    assert sum(account.read(DEALS, deal, "hs_is_closed") == "true" for deal in picked) < 10


def test_an_edited_deal_moves_through_its_pipeline_until_it_is_closed() -> None:
    """Each change of stage leads to the following stage, or from the last open one to a closed one."""
    account, maker = build_account(Noon(), deals=1, seed=1)
    users = SimulatedUsers(account, maker, seeded(1, "activity"))
    deal = maker.make(account.now_ms(), account.now_ms())
    for _ in range(100):
        (deal,) = users.edit([deal])
    versions = account.versions(DEALS, deal, "dealstage")
    stages = [version.value for version in reversed(versions)]
    pipeline = pipeline_of(deal.get("pipeline"))
    order = [stage.id for stage in pipeline.open_stages]
    first = order.index(stages[0])
    assert stages[:-1] == order[first:]
    assert stages[-1] in {pipeline.closed_stage(won=won).id for won in (True, False)}
