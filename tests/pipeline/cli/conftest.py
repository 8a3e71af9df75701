"""The commands as a person types them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
import structlog
from typer.testing import CliRunner

from pipeline.__main__ import app

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command in a thread, which has no event loop yet, as a process of its own would have none."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(app, [str(word) for word in words])
        return done.exit_code, done.output.strip()

    async def in_thread(*words: object) -> tuple[int, str]:
        return await asyncio.to_thread(run, *words)

    yield in_thread
    # A command silences the logs of its process, which here is that of all tests.
    structlog.reset_defaults()
