"""Sandboxes for tests: one that nobody changes for a whole module, one of its own for a test that writes."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.app import Options
from sandbox.testing import Running, running

# Only the tests of the limits want limits.
UNLIMITED = Options(burst=1_000_000, search_per_second=1_000_000, lively=False)

START = UNLIMITED.config()


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


@pytest.fixture(scope="module")
def blank() -> Iterator[tuple[Running, dict[str, str]]]:
    """A sandbox with 30 deals, and the snapshot of it from before anything was done."""
    with running(deals=30, options=UNLIMITED) as started, connect(started) as client:
        yield started, client.post("/_sim/snapshot", json={}).json()


@pytest.fixture
def own_sandbox(blank: tuple[Running, dict[str, str]]) -> Running:
    """A sandbox with 30 deals, put back for this test alone; its journal and its limits remember former tests."""
    started, snapshot = blank
    with connect(started) as client:
        client.post("/_sim/restore", json=snapshot).raise_for_status()
        client.post("/_sim/config", json=START.model_dump()).raise_for_status()
        client.post("/_sim/config", json={"token": START.token}).raise_for_status()
        client.delete("/_sim/fault").raise_for_status()
    return started


@pytest.fixture
def own_api(own_sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the sandbox that was put back for this test."""
    with connect(own_sandbox) as client:
        yield client


@pytest.fixture
def fresh_sandbox() -> Iterator[Running]:
    """A sandbox with 30 deals that was started for this test: nobody has asked it anything."""
    with running(deals=30, options=UNLIMITED) as started:
        yield started


@pytest.fixture
def fresh_api(fresh_sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the sandbox that was started for this test."""
    with connect(fresh_sandbox) as client:
        yield client
