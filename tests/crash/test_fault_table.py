"""docs/faults.md promises tests: they exist, and every fault has one or gives the reason why not."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "faults.md"
ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Tests of this folder that prove no single fault of the table.
OTHER_FILES = {"test_fault_table.py", "test_interleavings.py"}
OTHER_TESTS = {
    "test_a_failed_stage_and_the_job_of_its_next_attempt_are_committed_together",
    "test_a_worker_killed_after_a_renewal_repeats_one_call",
    "test_every_stage_has_crash_points",
    "test_of_two_workers_that_claim_a_run_one_gets_it",
}


def test_each_test_that_the_fault_table_names_exists() -> None:
    """Under that name, in that file."""
    named = TEST.findall(PAGE.read_text())
    assert named
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_each_fault_has_a_test_or_the_reason_for_none() -> None:
    """45 rows, in order."""
    rows = ROW.findall(PAGE.read_text())
    assert [int(number) for number, _ in rows] == list(range(1, 46))
    assert [number for number, rest in rows if not TEST.search(rest) and "No test yet" not in rest] == []


def test_each_test_of_a_fault_stands_in_the_fault_table() -> None:
    """Otherwise a reader of the table would not find the proof."""
    files = [file for file in (ROOT / "tests" / "crash").glob("test_*.py") if file.name not in OTHER_FILES]
    proofs = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}
    assert proofs - OTHER_TESTS == {name for file, name in TEST.findall(PAGE.read_text()) if "tests/crash/" in file}
    assert proofs >= OTHER_TESTS
