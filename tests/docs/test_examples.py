"""Every example of the documentation that is marked as runnable runs, against a whole installation of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from pipeline.__main__ import app
from pipeline.rulebook import load_rulebook
from tests.docs.examples import EXAMPLES, NOT_RUN, RUNNABLE, Example, examples, prepare_folder, run_example
from tests.docs.pages import PAGES, ROOT, blocks
from tests.installation import Installation, installation, until

# How the examples find the queue: every deal processed, and nothing that changes by itself. A sync of the scheduler's
# own that is under way when `--once` ends would count as one of its syncs that has not succeeded.
SETTINGS = {
    "SYNC_INTERVAL_SECONDS": "3600",
    "SANDBOX_DEALS": "40",
    "SANDBOX_LIVELY": "false",
    "BACKFILL_PROCESS": "all",
}
SETTLED = """
SELECT 1 FROM sync_state WHERE backfilled_at IS NOT NULL
AND NOT EXISTS (SELECT FROM pipeline_runs WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING'))
"""
# What a block may be written in, beside examples: what they print, and files.
OTHER_LANGUAGES = {"text", "json", "toml"}


def runnable(page: Path) -> list[Example]:
    return [example for example in examples(page) if example.is_runnable]


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    with installation(**SETTINGS) as ready:
        until(lambda: ready.rows(SETTLED), seconds=60, what="the end of the first runs")
        prepare_folder(ready)
        yield ready


# Some thirty processes in a row; on a machine with other work each of them takes seconds to start.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run_one_after_the_other(page: Path, running: Installation) -> None:
    """In the order of the page, in one folder; with the exit code and the output that the page shows."""
    for example in runnable(page):
        run_example(example, running)
    until(lambda: running.rows(SETTLED), seconds=60, what="the end of the runs of this page")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_an_example_is_run_or_says_why_not(page: Path) -> None:
    """Each shell and GraphQL block is marked `runnable` or `not run: <reason>`; no other block looks like one."""
    unmarked = [
        example.block.place
        for example in examples(page)
        if not RUNNABLE.fullmatch(example.block.mark) and not NOT_RUN.fullmatch(example.block.mark)
    ]
    assert unmarked == []
    assert {block.language for block in blocks(page)} <= {*EXAMPLES, *OTHER_LANGUAGES}


def test_every_command_of_the_pipeline_has_an_example_that_runs() -> None:
    """A reader of the documentation finds every command, and sees it work."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    shown = "".join(example.block.text for page in PAGES for example in runnable(page))
    assert [name for name in _commands(group) if f"-m pipeline {name}" not in shown] == []


def test_the_rules_in_the_examples_are_rules(tmp_path: Path) -> None:
    """Each TOML block of docs/stages.md is a file that RULES_FILE may name."""
    found = [block for block in blocks(ROOT / "docs" / "stages.md") if block.language == "toml"]
    assert found
    for block in found:
        file = tmp_path / "rules.toml"
        file.write_text(block.text)
        load_rulebook(file)


def _commands(group: typer.core.TyperGroup, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"
