"""The report at the terminal."""

import io

import pytest
from rich.console import Console

from crm.report import Report


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def report(output: io.StringIO) -> Report:
    return Report(Console(file=output, width=20))


def test_only_a_problem_makes_the_report_bad(report: Report, output: io.StringIO) -> None:
    """Each check is one line, however narrow the terminal is."""
    report.good("The first check has passed.")
    report.note("A scope is missing.")
    assert report.is_well
    report.bad("The token is refused.")
    report.good("The last check has passed.")
    assert not report.is_well
    assert output.getvalue().splitlines() == [
        "✓ The first check has passed.",
        "- A scope is missing.",
        "✗ The token is refused.",
        "✓ The last check has passed.",
    ]


def test_text_from_hubspot_is_not_interpreted(report: Report, output: io.StringIO) -> None:
    """Neither rich's markup nor the control characters of the terminal."""
    report.good("[bold]Sales[/bold] \x1b[31mred\r\nnext")
    assert output.getvalue() == "✓ [bold]Sales[/bold]  [31mred  next\n"
