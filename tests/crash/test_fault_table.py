"""docs/faults.md promises tests: they are there, and no fault is left out without a word."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "faults.md"
ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_each_test_that_the_page_names_exists() -> None:
    """Under that name, in that file."""
    named = TEST.findall(PAGE.read_text())
    assert named
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_each_fault_has_a_test_or_a_word_why_not() -> None:
    """45 rows, in order."""
    rows = ROW.findall(PAGE.read_text())
    assert [int(number) for number, _ in rows] == list(range(1, 46))
    assert [number for number, rest in rows if not TEST.search(rest) and "No test yet" not in rest] == []


def test_each_test_of_a_row_is_on_the_page() -> None:
    """A proof that the page does not name is not found by who looks for it."""
    files = sorted((ROOT / "tests" / "crash").glob("test_*.py"))
    proofs = {name for file in files for name in re.findall(r"def (test_row_\w+)\(", file.read_text())}
    assert proofs <= {name for _, name in TEST.findall(PAGE.read_text())}
