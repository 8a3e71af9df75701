"""What people look things up in names everything: the page of refusals, and the page of commands."""

import re
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from pipeline.__main__ import app
from pipeline.operations import errors
from pipeline.operations.errors import OperationRefused

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def commands(of: TyperGroup, before: str = "") -> set[str]:
    """`retry`, `bulk start`, ..."""
    found = set()
    for name, command in of.commands.items():
        found |= commands(command, f"{name} ") if isinstance(command, TyperGroup) else {f"{before}{name}"}
    return found


def test_every_refusal_stands_on_one_page() -> None:
    """With what it means; and none stands there that is no more."""
    listed = re.findall(r"^ \+- (\w+) +\S", errors.__doc__ or "", re.MULTILINE)
    assert listed == [refusal.__name__ for refusal in OperationRefused.__subclasses__()]


def test_every_command_stands_in_the_table() -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, TyperGroup)
    table = "\n".join(re.findall(r"^\| `.*", PAGE.read_text(), re.MULTILINE))
    assert {name for name in commands(group) if not re.search(rf"`{name}\b", table)} == set()
