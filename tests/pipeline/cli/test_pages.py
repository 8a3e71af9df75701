"""docs/operations.md names every command."""

import re
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from pipeline.__main__ import app

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def commands(of: TyperGroup, before: str = "") -> set[str]:
    """`retry`, `bulk start`, ..."""
    found = set()
    for name, command in of.commands.items():
        found |= commands(command, f"{name} ") if isinstance(command, TyperGroup) else {f"{before}{name}"}
    return found


def test_every_command_stands_in_the_table() -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, TyperGroup)
    table = "\n".join(re.findall(r"^\| `.*", PAGE.read_text(), re.MULTILINE))
    assert {name for name in commands(group) if not re.search(rf"`{name}\b", table)} == set()
