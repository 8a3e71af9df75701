"""The client and the sandbox, which runs in its own process, over real HTTP."""

from collections.abc import Iterator

import pytest

from tests.hubspot import Sandbox, sandbox_process


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", "40", "--burst", "10000", "--search-per-second", "1000") as sandbox:
        yield sandbox
