"""The examples of the documentation, and how each of them is run against an installation."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.docs.pages import Block, blocks
from tests.installation import Installation, free_port

RUNNABLE = re.compile(r"runnable(?: exit (?P<codes>\d(?: or \d)*))?")
NOT_RUN = re.compile(r"not run: \S.*")
# What the pages show of a shell example's output, and of a query's answer, stands in the block that follows it.
OUTPUT, ANSWER = ("text", "output"), ("json", "answer")
EXAMPLES = {"sh", "graphql"}
# The port of the page and of the API where PORT is not set, and the one of the sandbox in docs/sandbox.md.
DEFAULT_PORT, SANDBOX_PORT = "127.0.0.1:8000", "9410"
LONGEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Example:
    block: Block
    shown: Block | None

    @property
    def is_runnable(self) -> bool:
        return RUNNABLE.fullmatch(self.block.mark) is not None

    @property
    def exit_codes(self) -> set[int]:
        found = RUNNABLE.fullmatch(self.block.mark)
        return {int(code) for code in re.findall(r"\d", found["codes"] if found and found["codes"] else "0")}


def examples(page: Path) -> Iterator[Example]:
    """The shell and GraphQL blocks of a page, each with what the page shows of its result."""
    every = list(blocks(page))
    for block, following in zip_longest(every, every[1:]):
        if block.language in EXAMPLES:
            shown = OUTPUT if block.language == "sh" else ANSWER
            is_shown = following is not None and (following.language, following.mark) == shown
            yield Example(block, following if is_shown else None)


def run_example(example: Example, installation: Installation) -> None:
    """AssertionError names the place of an example that does not do what its page says."""
    if example.block.language == "graphql":
        answer = installation.graphql(example.block.text)
        if example.shown is not None:
            assert_same_shape(json.loads(example.shown.text)["data"], answer, example.shown.place)
        return
    done = _shell(example.block.text, installation)
    report = f"{example.block.place} exited with {done.returncode}:\n{done.stdout}"
    assert done.returncode in example.exit_codes, report
    if example.shown is not None:
        assert_shown(example.shown.text, done.stdout, example.shown.place)


def _shell(script: str, installation: Installation) -> "subprocess.CompletedProcess[str]":
    script = script.replace(DEFAULT_PORT, f"127.0.0.1:{installation.port}").replace(SANDBOX_PORT, str(free_port()))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=installation.folder,
        env=installation.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


def prepare_folder(installation: Installation) -> None:
    """The examples are typed in the folder of a checkout, where these two names lead to its programs and its data."""
    (installation.folder / ".venv").symlink_to(sys.prefix)
    (installation.folder / ".data").symlink_to(installation.folder / "data")


def assert_shown(shown: str, output: str, place: str) -> None:
    """Each line that the page shows is printed, in that order; `…` stands for any text."""
    rest = output
    for line in filter(None, map(str.strip, shown.splitlines())):
        found = re.search(".*".join(map(re.escape, line.split("…"))), rest)
        assert found, f"{place}: `{line}` was not printed:\n{output}"
        rest = rest[found.end() :]


def assert_same_shape(shown: Any, answer: Any, place: str) -> None:
    """The same members at every level; values may differ, and null stands for anything."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        assert shown.keys() == answer.keys(), f"{place}: {sorted(shown)} is shown, {sorted(answer)} was answered"
        for name, value in shown.items():
            assert_same_shape(value, answer[name], place)
    elif isinstance(shown, list) and isinstance(answer, list):
        for one, other in zip(shown, answer, strict=False):
            assert_same_shape(one, other, place)
    elif shown is not None and answer is not None:
        assert type(shown) is type(answer), f"{place}: {shown!r} is shown, {answer!r} was answered"
