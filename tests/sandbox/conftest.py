"""Sandboxes for tests: one that is only read, for a whole module, and one for each test that writes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.app import Options
from sandbox.testing import Running, running

# Only the tests of the rate limits need limits.
UNLIMITED = Options(burst=1_000_000, search_per_second=1_000_000, lively=False)

START = UNLIMITED.config()


def connect(sandbox: Running) -> httpx.Client:
    return httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """300 deals, no background edits, no rate limits. Shared by a module: for reading only."""
    with running(deals=300, options=UNLIMITED) as started:
        yield started


@pytest.fixture(scope="module")
def api(sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the shared sandbox, with its token."""
    with connect(sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def new_sandbox() -> Iterator[tuple[Running, dict[str, str]]]:
    """A sandbox with 30 deals, and the snapshot of its initial state."""
    with running(deals=30, options=UNLIMITED) as started, connect(started) as client:
        yield started, client.post("/_sim/snapshot", json={}).json()


@pytest.fixture
def own_sandbox(new_sandbox: tuple[Running, dict[str, str]]) -> Running:
    """A sandbox with 30 deals, restored for this test; its journal and its rate limits still count earlier tests."""
    started, snapshot = new_sandbox
    with connect(started) as client:
        client.post("/_sim/restore", json=snapshot).raise_for_status()
        client.post("/_sim/config", json=START.model_dump()).raise_for_status()
        client.post("/_sim/config", json={"token": START.token}).raise_for_status()
        client.delete("/_sim/fault").raise_for_status()
    return started


@pytest.fixture
def own_api(own_sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the sandbox that was restored for this test."""
    with connect(own_sandbox) as client:
        yield client


@pytest.fixture
def fresh_sandbox() -> Iterator[Running]:
    """A sandbox with 30 deals that was started for this test and has received no request."""
    with running(deals=30, options=UNLIMITED) as started:
        yield started


@pytest.fixture
def fresh_api(fresh_sandbox: Running) -> Iterator[httpx.Client]:
    """A client of the sandbox that was started for this test."""
    with connect(fresh_sandbox) as client:
        yield client


def golden(answer: httpx.Response) -> dict[str, Any]:
    """The body without its correlation id, which the header repeats."""
    body: dict[str, Any] = answer.json()
    assert body.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    return body


def configure(api: httpx.Client, **keys: Any) -> dict[str, Any]:
    answer = api.post("/_sim/config", json=keys)
    assert answer.status_code == 200, answer.text
    config: dict[str, Any] = answer.json()
    return config
