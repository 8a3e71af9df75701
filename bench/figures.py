"""Measured figures beside their targets: those of one run, printed as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

MARKS = {None: "", True: "[green]met[/green]", False: "[bold red]MISSED[/bold red]"}


@dataclass(frozen=True, slots=True)
class Figure:
    """`passed` is None for a figure without a target."""

    what: str
    measured: str
    target: str = ""
    passed: bool | None = None


def at_most(what: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, _shown(value, unit, note), f"≤ {limit:g}{_with_space(unit)}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, _shown(value, unit, note), f"≥ {limit:g}{_with_space(unit)}", value >= limit)


def exactly(what: str, value: int, wanted: int, unit: str = "") -> Figure:
    return Figure(what, _shown(value, unit), f"= {wanted:,}{_with_space(unit)}", value == wanted)


def reported(what: str, value: float, unit: str = "", note: str = "") -> Figure:
    return Figure(what, _shown(value, unit, note))


def _shown(value: float, unit: str, note: str = "") -> str:
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.3g}"
    return f"{number}{_with_space(unit)}{f' ({note})' if note else ''}"


def _with_space(unit: str) -> str:
    return f" {unit}" if unit else ""


def report(title: str, figures: Sequence[Figure]) -> bool:
    """Print them all; whether every target is met. ValueError when nothing was measured."""
    if not figures:
        raise ValueError("Nothing was measured.")
    table = Table("What", "Measured", "Target", "", title=title)
    for figure in figures:
        table.add_row(figure.what, figure.measured, figure.target, MARKS[figure.passed])
    # Wide enough for one line a figure, also when the output is a file.
    console = Console(width=130)
    console.print(table)
    if all(figure.passed is None for figure in figures):
        console.print("None of these figures has a target.")
    return all(figure.passed is not False for figure in figures)
