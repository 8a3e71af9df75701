"""Sandboxes for tests: one that nobody changes for a whole module, one of its own for a test that writes."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.app import Options
from sandbox.limits import Rates
from sandbox.testing import Running, running

# Only the tests of the limits want limits.
UNLIMITED = Options(rates=Rates(burst=1_000_000, search_per_second=1_000_000), lively=False)


def connect(sandbox: Running) -> httpx.Client:
    return httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """300 deals, still, without limits. Shared by a module: look, do not write."""
    with running(deals=300, options=UNLIMITED) as started:
        yield started


@pytest.fixture(scope="module")
def api(sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the shared sandbox, with its token."""
    with connect(sandbox) as client:
        yield client


@pytest.fixture
def own_sandbox() -> Iterator[Running]:
    """A sandbox with 30 deals that belongs to this test alone."""
    with running(deals=30, options=UNLIMITED) as started:
        yield started


@pytest.fixture
def own_api(own_sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the sandbox that belongs to this test alone."""
    with connect(own_sandbox) as client:
        yield client
