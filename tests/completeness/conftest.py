"""One sandbox for each module, with as many deals as its `DEALS` says."""

from collections.abc import Iterator

import pytest

from tests.completeness.account import Account, account


@pytest.fixture(scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[Account]:
    with account(deals=request.module.DEALS) as running:
        yield running


@pytest.fixture
def hubspot(sandbox: Account) -> Account:
    """The account as it was at its start."""
    sandbox.start_again()
    return sandbox
