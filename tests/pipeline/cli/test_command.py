"""The frame of all commands: what a person gets wrong, and a database that is unavailable, end with exit code 2."""

import asyncio
import re

import pytest
import structlog

from core.errors import DatabaseUnavailable
from pipeline.cli import command as cli_command
from tests.pipeline.cli.conftest import Command


@pytest.mark.parametrize("words", [("retry", "--run"), ("bulk", "show"), ("bulk", "stop")])
@pytest.mark.parametrize(("number", "bound"), [(2**63, 2**63 - 1), (0, 1)])
async def test_a_number_that_nothing_can_have_is_exit_code_2(
    command: Command, words: tuple[str, ...], number: int, bound: int
) -> None:
    """With what is wrong with it, not the driver's error; the largest number is valid, and names nothing here."""
    code, printed = await command(*words, number)
    assert (code, re.search(rf"Invalid value .* than or equal to[\W]+{bound}\b", printed) is not None) == (2, True), (
        printed
    )
    code, printed = await command(*words, 2**63 - 1)
    assert (code, printed.startswith("There is no ")) == (1, True), printed


async def test_an_unavailable_database_is_exit_code_2(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one line that says so."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost:1/none")
    code, printed = await command("pause")
    assert (code, printed.startswith("The database is unavailable: "), len(printed.splitlines())) == (2, True, 1)


async def test_an_error_without_a_text_is_a_sentence_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The text of a time-out is empty."""

    async def work() -> None:
        raise DatabaseUnavailable("")

    with pytest.raises(SystemExit) as exited:
        await asyncio.to_thread(cli_command._run, work)
    structlog.reset_defaults()
    assert exited.value.code == 2
    assert capsys.readouterr().err == "The database is unavailable: DatabaseUnavailable\n"
