"""An account that is large enough to count shares of deals."""

import pytest

from sandbox.account.account import Account
from sandbox.account.seed_data import build_account
from tests.sandbox.clocks import Noon

DEALS_COUNTED = 3_000


@pytest.fixture(scope="session")
def large() -> Account:
    return build_account(Noon(), deals=DEALS_COUNTED, seed=7)[0]
